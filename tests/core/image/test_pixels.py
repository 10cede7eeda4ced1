"""Numbers of any range as pixels, several planes on one scale."""

from __future__ import annotations

import numpy as np

from cam_core.image.pixels import as_pixels


def test_planes_share_a_scale(rng: np.random.Generator) -> None:
    dark, light = rng.uniform(-3, -1, (4, 5, 1)), rng.uniform(0, 2, (2, 3, 1))
    dark[1, 2], light[0, 1] = -3, 2
    found = as_pixels([dark, light])
    for plane, pixels in zip((dark, light), found, strict=True):
        assert pixels.dtype == np.uint8
        for index in np.ndindex(*plane.shape[:2]):
            assert pixels[index].tolist() == [round(255 * (plane[index][0] + 3) / 5)] * 3
    assert (found[0].min(), found[1].max()) == (0, 255)


def test_three_channels_are_colours_and_others_a_mean() -> None:
    colours = np.zeros((2, 2, 3))
    colours[0, 1] = 4, 0, 2
    assert as_pixels([colours])[0][0, 1].tolist() == [255, 0, 128]
    four = np.zeros((2, 2, 4))
    four[1, 0] = 8, 0, 0, 0
    four[1, 1] = 1, 1, 1, 1
    assert as_pixels([four])[0][1].tolist() == [[255] * 3, [128] * 3]


def test_what_has_no_range_is_black() -> None:
    for value in (0, 7.5, -2):
        assert not as_pixels([np.full((2, 2, 1), value)])[0].any()
    bits = np.array([[[True], [False]]])
    assert as_pixels([bits])[0][0, :, 0].tolist() == [255, 0]
