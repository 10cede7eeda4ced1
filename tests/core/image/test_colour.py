"""The golden pixels of other tools: OpenCV's jet, pytorch-grad-cam's blend."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.image import jet, overlay

MASK = np.array([[0, 0.25], [0.5, 1]], dtype=np.float32)
GREY = np.full((2, 2, 3), 0.5, dtype=np.float32)


def test_overlay_gives_the_golden_pixels() -> None:
    expected = [[[85, 85, 170], [85, 167, 255]], [[168, 255, 171], [170, 85, 85]]]
    np.testing.assert_array_equal(overlay(GREY, MASK), expected)


def test_overlay_gives_the_golden_pixels_at_another_weight() -> None:
    bgr = [[[196, 137, 137], [255, 194, 137]], [[197, 255, 195], [137, 137, 196]]]
    np.testing.assert_array_equal(overlay(GREY, MASK, image_weight=0.7)[..., ::-1], bgr)


def test_overlay_of_a_zero_map_is_the_peers_blue() -> None:
    np.testing.assert_array_equal(overlay(GREY, 0 * MASK)[0, 0], [127, 127, 255])


def test_jet_is_opencvs_table() -> None:
    # Corners of the ramps of COLORMAP_JET, as published in OpenCV's table (RGB).
    known = {0: (0, 0, 128), 31: (0, 0, 252), 32: (0, 0, 255), 33: (0, 4, 255), 95: (0, 252, 255)}
    known |= {96: (2, 255, 254), 127: (126, 255, 130), 159: (254, 255, 2), 160: (255, 252, 0)}
    known |= {223: (255, 0, 0), 224: (252, 0, 0), 255: (128, 0, 0)}
    for index, colour in known.items():
        assert tuple(jet(np.float64((index + 0.5) / 255))) == colour, index


@pytest.mark.parametrize(
    ("image", "heatmap", "message"),
    [
        (np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2)), "do not fit"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2)), "do not fit"),
        (np.full((2, 2, 3), 200.0), np.zeros((2, 2)), "uint8"),
    ],
)
def test_overlay_refuses(image: Array, heatmap: Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        overlay(image, heatmap)
