"""Boxes written in ways that only the file shows, decoded anchor by anchor."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.detection.written import DOWN_FIRST, WRITTEN, turned
from tests.core.targets.detection.boxes_read import read_written

H, W = 16, 32
LEVELS = ((2, 4), (1, 2))
CELLS = [(c, r, s) for s in (8, 16) for r in range(H // s) for c in range(W // s)]


def distances(a: np.ndarray, column: int, row: int, stride: int) -> list[float]:
    return [(column - a[0]) * stride, (row - a[1]) * stride,
            (column + a[2]) * stride, (row + a[3]) * stride]  # fmt: skip


def distributions(a: np.ndarray, column: int, row: int, stride: int) -> list[float]:
    sides = []
    for side in range(4):
        bins = [exp(v) for v in a[8 * side : 8 * side + 8]]
        sides.append(sum(i * b for i, b in enumerate(bins)) / sum(bins))
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    left, top, right, bottom = (side * stride for side in sides)
    return [x - left, y - top, x + right, y + bottom]


def offsets(a: np.ndarray, column: int, row: int, stride: int) -> list[float]:
    x, y, w, h = (column + a[0]) * stride, (row + a[1]) * stride, exp(a[2]), exp(a[3])
    return [x - w * stride / 2, y - h * stride / 2, x + w * stride / 2, y + h * stride / 2]


def bounded(a: np.ndarray, column: int, row: int, stride: int) -> list[float]:
    x, y = (column + np.tanh(a[0])) * stride, (row + np.tanh(a[1])) * stride
    w, h = W / (1 + exp(-a[2])), H / (1 + exp(-a[3]))
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def anchored(a: np.ndarray, column: int, row: int, stride: int) -> list[float]:
    x, y = (column + 0.5) * stride + a[0], (row + 0.5) * stride + a[1]
    return [x - a[2] / 2, y - a[3] / 2, x + a[2] / 2, y + a[3] / 2]


DECODED = {"distances": (distances, 4), "distributions": (distributions, 32),
           "offsets": (offsets, 4), "bounded offsets": (bounded, 4),
           "anchor offsets": (anchored, 4)}  # fmt: skip


@pytest.mark.parametrize("written", DECODED)
def test_as_the_tools_of_each_decode_it(written: str, rng: np.random.Generator) -> None:
    decode, count = DECODED[written]
    numbers = rng.normal(size=(2, count, len(CELLS)))
    found, words = read_written(numbers, (H, W), LEVELS, written)
    assert words == WRITTEN[written].words
    for row in range(2):
        for anchor, cell in enumerate(CELLS):
            expected = decode(numbers[row, :, anchor], *cell)
            np.testing.assert_allclose(found[row, anchor], expected)


def test_every_way_has_its_loops() -> None:
    assert set(DECODED) == set(WRITTEN)


def test_y_may_come_first() -> None:
    found, words = read_written(np.array([[[0.25], [0.5], [0.5], [1.0]]]), (H, W), (), DOWN_FIRST)
    np.testing.assert_allclose(found, [[[16, 4, 32, 8]]])
    assert words == "corners in parts of the picture, y before x"


def test_anchors_that_stand_nowhere() -> None:
    with pytest.raises(TargetError, match=r"no grid of an input 16x32 has their 7 anchors: ask"):
        read_written(np.zeros((1, 4, 7)), (H, W), (), "distances")


def test_the_upright_box_round_a_turned_one() -> None:
    box = np.array([[10.0, 10, 30, 20]])
    np.testing.assert_allclose(turned(box, np.array([np.pi / 2])), [[15, 5, 25, 25]])
    reach = (20 + 10) / 2 * np.sqrt(0.5)
    expected = [20 - reach, 15 - reach, 20 + reach, 15 + reach]
    np.testing.assert_allclose(turned(box, np.array([-np.pi / 4])), [expected])


def test_scrfd_counts_from_the_corner_of_a_cell_with_two_anchors() -> None:
    """InsightFace's `SCRFD.forward` (python-package/insightface/model_zoo/scrfd.py): centres are
    (x, y) * stride of the cell, each twice, and distances are times the stride.
    """
    size, strides = (64, 96), (8, 16, 32)
    levels = tuple((2 * (size[0] // s) * (size[1] // s),) for s in strides)
    numbers = np.random.default_rng(2).uniform(0, 3, (1, 4, sum(n for (n,) in levels)))
    found, _ = read_written(numbers, size, levels, "distances")
    anchor = 0
    for stride in strides:
        for y in range(size[0] // stride):
            for x in range(size[1] // stride):
                for _ in range(2):
                    left, top, right, bottom = numbers[0, :, anchor] * stride
                    box = (
                        x * stride - left,
                        y * stride - top,
                        x * stride + right,
                        y * stride + bottom,
                    )
                    np.testing.assert_allclose(found[0, anchor], box)
                    anchor += 1
    assert anchor == found.shape[1]
