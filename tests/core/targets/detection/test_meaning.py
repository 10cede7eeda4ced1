"""Boxes written in every way are read as the boxes that they are."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.targets.detection.meaning import corners, read_as

H, W = 96, 160
STRIDES = (8, 16, 32)


def cells() -> np.ndarray:
    """(column, row, stride) of every anchor."""
    return np.array(
        [(c, r, s) for s in STRIDES for r in range(H // s) for c in range(W // s)], np.float64
    )


@pytest.fixture
def boxes(rng: np.random.Generator) -> np.ndarray:
    """Corners in pixels, about the cell of each anchor."""
    centre = (cells()[:, :2] + rng.random((len(cells()), 2))) * cells()[:, 2:]
    half = rng.uniform(1, 30, centre.shape)
    return np.concatenate([centre - half, centre + half], 1)


def sizes(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)


def yolox(boxes: np.ndarray) -> np.ndarray:
    column, row, stride = cells().T
    x, y, w, h = sizes(boxes).T
    logs = np.log(w / stride), np.log(h / stride)
    return np.stack([x / stride - column, y / stride - row, *logs], 1)


PARTS = np.array([W, H, W, H])
WRITTEN = {
    "corners in pixels": lambda b: b,
    "corners in parts": lambda b: b / PARTS,
    "centre and size in pixels": sizes,
    "centre and size in parts": lambda b: sizes(b) / PARTS,
    "offsets in cells": yolox,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_as_it_is_written(how: str, boxes: np.ndarray) -> None:
    found, words = corners(WRITTEN[how](boxes), (H, W))
    assert words.startswith(how)
    np.testing.assert_allclose(found, boxes, atol=1e-9)
    both, _ = corners(np.stack([WRITTEN[how](boxes)] * 2), (H, W))
    np.testing.assert_array_equal(both, [found, found])


def test_one_map_of_bounded_offsets(rng: np.random.Generator) -> None:
    numbers = rng.normal(size=(6 * 10, 4))
    found, words = corners(numbers, (H, W), ((6, 10),))
    assert "FastestDet" in words
    for i, (tx, ty, tw, th) in enumerate(numbers):
        x, y = (i % 10 + np.tanh(tx)) * 16, (i // 10 + np.tanh(ty)) * 16
        w, h = W / (1 + np.exp(-tw)), H / (1 + np.exp(-th))
        assert found[i] == pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def bounded(boxes: np.ndarray) -> np.ndarray:
    """Of one 12 x 20 map, as FastestDet writes them: any numbers will do."""
    return np.random.default_rng(3).normal(size=(240, 4))


def negative(boxes: np.ndarray) -> np.ndarray:
    """Of so many anchors that no grid has as many."""
    return np.random.default_rng(4).normal(scale=9, size=(7, 4)) + 3


@pytest.mark.parametrize("how", [*WRITTEN, "bounded", "negative"])
def test_its_slopes_are_differences(how: str, boxes: np.ndarray) -> None:
    write = {**WRITTEN, "bounded": bounded, "negative": negative}[how]
    numbers = write(boxes)
    reading = read_as(numbers, (H, W), [(12, 20)] if how == "bounded" else ())
    slopes = reading.slopes(numbers)
    for j, unit in enumerate(np.eye(4)):
        ahead, behind = (
            reading.corners(numbers + 1e-6 * unit),
            reading.corners(numbers - 1e-6 * unit),
        )
        np.testing.assert_allclose(slopes[:, :, j], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-6)


def test_one_anchor_a_row_is_read_as_among_all(boxes: np.ndarray) -> None:
    numbers = np.stack([yolox(boxes), yolox(boxes[::-1])])
    found, _ = corners(numbers, (H, W))
    some = read_as(numbers, (H, W)).at([7, 200])
    picked = np.stack([numbers[0, 7], numbers[1, 200]])
    np.testing.assert_allclose(some.corners(picked), [found[0, 7], found[1, 200]])


def test_offsets_of_large_things_alone_are_offsets(boxes: np.ndarray) -> None:
    """A picture that one thing fills: no logarithm of a size is negative."""
    centre = sizes(boxes)[:, :2]
    half = cells()[:, 2:] * 5
    large = np.concatenate([centre - half, centre + half], 1)
    found, words = corners(yolox(large), (H, W))
    assert "YOLOX" in words
    np.testing.assert_allclose(found, large, atol=1e-9)


def test_decoded_boxes_of_which_one_is_empty_are_no_offsets(boxes: np.ndarray) -> None:
    numbers = sizes(boxes)
    numbers[0, 2:] = -0.5  # rounding of a quantised size
    found, words = corners(numbers, (H, W))
    assert words.startswith("centre and size in pixels")
    np.testing.assert_allclose(found[1:], boxes[1:], atol=1e-9)
