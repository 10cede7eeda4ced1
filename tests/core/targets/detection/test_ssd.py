"""Offsets from prior boxes, decoded one by one as RetinaFace's own tool does."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.detection.ssd import landmark_steps
from cam_core.targets.detection.written import BESIDE_BACKGROUND, reading
from tests.core.targets.detection.boxes_read import read_written

SIZE = (64, 96)
SIDES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
"""min_sizes of data/config.py of Pytorch_Retinaface, by hand."""
PRIORS = [
    ((column + 0.5) * stride, (row + 0.5) * stride, side)
    for stride in (8, 16, 32)
    for row in range(SIZE[0] // stride)
    for column in range(SIZE[1] // stride)
    for side in SIDES[stride]
]


def decoded(off: Any, prior: tuple[float, float, float]) -> list[float]:
    """`decode` of utils/box_utils.py."""
    x, y, side = prior
    x, y = x + off[0] * 0.1 * side, y + off[1] * 0.1 * side
    w, h = side * exp(off[2] * 0.2), side * exp(off[3] * 0.2)
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def test_as_the_tool_decodes_it(rng: np.random.Generator) -> None:
    numbers = rng.normal(size=(2, 4, len(PRIORS)))
    found, words = read_written(numbers, SIZE, (), BESIDE_BACKGROUND)
    assert "of RetinaFace's own sizes, as the file holds none" in words
    for row in range(2):
        for anchor, prior in enumerate(PRIORS):
            np.testing.assert_allclose(found[row, anchor], decoded(numbers[row, :, anchor], prior))


def test_its_slopes_are_differences(rng: np.random.Generator) -> None:
    numbers = rng.normal(size=(1, 4, len(PRIORS)))
    one, own = reading(numbers, SIZE, (), BESIDE_BACKGROUND).at([101]), numbers[:, :, 101]
    slopes = one.slopes(own)
    for j, unit in enumerate(np.eye(4)):
        ahead, behind = one.corners(own + 1e-6 * unit), one.corners(own - 1e-6 * unit)
        np.testing.assert_allclose(slopes[:, :, j], (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-6)


def test_boxes_that_are_decoded_are_read_as_they_are(rng: np.random.Generator) -> None:
    """UltraFace has a background, too, and corners."""
    low = rng.uniform(0, 0.5, (1, 2, len(PRIORS)))
    numbers = np.concatenate([low, low + 0.3], axis=1)
    found, words = read_written(numbers, SIZE, (), BESIDE_BACKGROUND)
    assert words == "corners in parts of the picture"
    np.testing.assert_allclose(found, np.moveaxis(numbers, 1, 2) * [96, 64, 96, 64])


def test_sizes_that_nobody_knows(rng: np.random.Generator) -> None:
    """Three a cell, or other strides."""
    for count in (3 * len(PRIORS) // 2, 2 * (16 * 24 + 8 * 12)):
        with pytest.raises(TargetError, match="prior boxes whose sizes are in no file: export"):
            read_written(rng.normal(size=(1, 4, count)), SIZE, (), BESIDE_BACKGROUND)


def test_landmarks_are_counted_as_the_tool_does(rng: np.random.Generator) -> None:
    """`decode_landm` of utils/box_utils.py: p + 0.1 l s, both of the box's own prior."""
    numbers, off = rng.normal(size=(1, 4, len(PRIORS))), rng.normal(size=2)
    for anchor in (0, 101, len(PRIORS) - 1):
        start, unit = landmark_steps(reading(numbers, SIZE, (), BESIDE_BACKGROUND).at([anchor]))
        x, y, side = PRIORS[anchor]
        expected = [x + off[0] * 0.1 * side, y + off[1] * 0.1 * side]
        np.testing.assert_allclose((start + unit * off)[0], expected)


@pytest.mark.parametrize(("scale", "unit"), [((1, 1), (96, 64)), ((96, 64), (1, 1))])
def test_landmarks_beside_decoded_boxes_are_decoded(
    scale: Any, unit: Any, rng: np.random.Generator
) -> None:
    """In parts of the picture, or in pixels, as the boxes are."""
    low = rng.uniform(0, 0.5, (1, 2, len(PRIORS)))
    numbers = np.concatenate([low, low + 0.3], axis=1) * np.tile(scale, 2)[None, :, None]
    start, found = landmark_steps(reading(numbers, SIZE, (), BESIDE_BACKGROUND))
    np.testing.assert_array_equal(np.broadcast_to(start, (1, 2)), [[0, 0]])
    np.testing.assert_array_equal(found, unit)
