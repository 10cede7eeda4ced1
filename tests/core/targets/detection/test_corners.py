"""Corners of some anchors are those of all; of any row, turned ones too."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.targets.detection.corners import Corners
from cam_core.targets.detection.written import reading, turned

SIZE = (64, 96)
ANCHORS = 8 * 12 + 4 * 6 + 2 * 3


def numbers(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2, 4, ANCHORS)).astype(np.float32)


def by_hand(row: np.ndarray) -> list[list[float]]:
    """YOLOX (Ge et al. 2021): (cell + xy) stride, exp(wh) stride."""
    cells = [(x, y, s) for s in (8, 16, 32) for y in range(64 // s) for x in range(96 // s)]
    found = []
    for (x, y, s), (dx, dy, dw, dh) in zip(cells, row.T.astype(np.float64), strict=True):
        cx, cy, w, h = (x + dx) * s, (y + dy) * s, np.exp(dw) * s, np.exp(dh) * s
        found.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return found


@pytest.mark.parametrize("which", [3, -1, [0, 97, 125], slice(None), np.arange(5)])
def test_those_of_the_anchors_that_are_asked_for(which, rng) -> None:
    values = numbers(rng)
    read = reading(values, SIZE, (), "offsets")
    for row in range(2):
        found = Corners(read, row, values[row].T)[which]
        np.testing.assert_allclose(found, np.array(by_hand(values[row]))[which], rtol=1e-12)


def test_of_turned_boxes_they_are_those_round_them(rng) -> None:
    values, angles = numbers(rng), rng.uniform(-1, 1, (2, ANCHORS))
    read = reading(values, SIZE, (), "offsets")
    found = Corners(read, 1, values[1].T, angles[1])[[5, 100]]
    expected = turned(np.array(by_hand(values[1])), angles[1])[[5, 100]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
