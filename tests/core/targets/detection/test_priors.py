"""Boxes told by anchors of fixed sizes, decoded one by one as YOLOv5's own `Detect` does."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.detection.priors import PRIOR, PUBLISHED
from cam_core.targets.detection.written import reading
from tests.core.targets.detection.boxes_read import read_written

SIZE = (64, 96)
LEVELS = ((3, 8, 12), (3, 4, 6), (3, 2, 3))
OWN = {
    8: [(10, 13), (16, 30), (33, 23)],
    16: [(30, 61), (62, 45), (59, 119)],
    32: [(116, 90), (156, 198), (373, 326)],
}
"""models/yolov5s.yaml of ultralytics/yolov5, by hand."""


def cells(sizes) -> list:
    """(column, row, stride, anchor) in the order of maps [n, h, w], scale after scale."""
    return [
        (column, row, stride, anchor)
        for stride in (8, 16, 32)
        for anchor in sizes[stride]
        for row in range(SIZE[0] // stride)
        for column in range(SIZE[1] // stride)
    ]


def darknet(numbers, cell) -> list[float]:
    """yolo_layer.c of Darknet: (column + sigmoid x) stride, exp(w) anchor."""
    column, row, stride, (w, h) = cell
    tx, ty, tw, th = numbers
    x, y = (column + 1 / (1 + exp(-tx))) * stride, (row + 1 / (1 + exp(-ty))) * stride
    w, h = exp(tw) * w, exp(th) * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def decoded(numbers, cell) -> list[float]:
    column, row, stride, (w, h) = cell
    tx, ty, tw, th = numbers
    x, y = (column + 2 * tx - 0.5) * stride, (row + 2 * ty - 0.5) * stride
    w, h = (2 * tw) ** 2 * w, (2 * th) ** 2 * h
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


MINE = {8: [(1, 2), (3, 4), (5, 6)], 16: [(7, 8), (9, 10), (11, 12)], 32: [(13, 14)] * 3}
KNOWN = tuple(tuple((float(w), float(h)) for w, h in scale) for scale in MINE.values())


@pytest.mark.parametrize("written", PRIOR)
@pytest.mark.parametrize(("sizes", "priors"), [(OWN, ()), (MINE, KNOWN)])
def test_as_the_tool_decodes_it(written: str, sizes, priors, rng: np.random.Generator) -> None:
    every = cells(sizes)
    numbers = rng.normal(size=(2, 4, len(every)))
    found, words = read_written(numbers, SIZE, LEVELS, written, priors)
    assert ("as the file holds none" in words) == (not priors)
    decode = darknet if written == "prior logarithms" else decoded
    assert ("as YOLOv3, whose maps" in words) == (written == "prior logarithms")
    applied = (lambda v: 1 / (1 + exp(-v))) if written == "prior logits" else float
    for row in range(2):
        for anchor, cell in enumerate(every):
            own = [applied(v) for v in numbers[row, :, anchor]]
            np.testing.assert_allclose(found[row, anchor], decode(own, cell))


@pytest.mark.parametrize("written", PRIOR)
def test_its_slopes_are_differences(written: str, rng: np.random.Generator) -> None:
    numbers = rng.normal(size=(1, 4, len(cells(OWN))))
    one = reading(numbers, SIZE, LEVELS, written).at([100])
    own = numbers[:, :, 100]
    slopes = one.slopes(own)
    for j, unit in enumerate(np.eye(4)):
        ahead, behind = one.corners(own + 1e-6 * unit), one.corners(own - 1e-6 * unit)
        np.testing.assert_allclose(slopes[:, :, j], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-6)


def test_every_scale_of_its_own_files_has_three() -> None:
    assert all(
        [len(s) for s in known] == [3] * len(strides) for strides, known in PUBLISHED.items()
    )


def test_sizes_that_nobody_knows() -> None:
    levels = ((3, 16, 24), (3, 8, 12))
    with pytest.raises(TargetError, match=r"3 a cell at strides 4, 8, .* metadata \('anchors', "):
        read_written(np.zeros((1, 4, 3 * 480)), SIZE, levels, "prior logits")
