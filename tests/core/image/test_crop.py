"""A part of a photo: which pixels, and where a map of it lies on the whole photo."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cam_core.errors import InputError
from cam_core.image import Preprocess, crops, cut, preprocess
from tests.core.image.photos import info, ramp

PHOTO = (40, 60)
CUTS = [  # corners, margin, whole pixels counted by hand
    ((7, 5, 23, 21), 0.0, (7, 5, 23, 21)),
    ((7.2, 5.9, 22.1, 20.0), 0.0, (7, 5, 23, 20)),
    ((10, 10, 20, 30), 0.1, (9, 8, 21, 32)),
    ((10, 10, 20, 30), 0.25, (7, 5, 23, 35)),
    ((-3, -0.5, 4, 100), 0.0, (0, 0, 4, 40)),
    ((50, 30, 58, 38), 1.0, (42, 22, 60, 40)),
    ((5.2, 5.2, 5.3, 5.3), 0.0, (5, 5, 6, 6)),
]


@pytest.mark.parametrize(("corners", "margin", "whole"), CUTS)
def test_all_pixels_that_a_box_touches_are_cut_out(
    corners: tuple[float, ...], margin: float, whole: tuple[int, ...]
) -> None:
    assert cut(PHOTO, corners, margin).corners == whole


@pytest.mark.parametrize(
    ("corners", "margin", "said"),
    [
        ((5, 5, 5, 9), 0.0, "no size"),
        ((5, 9, 8, 5), 0.0, "no size"),
        ((5, 5, float("nan"), 9), 0.0, "no size"),
        ((60, 5, 70, 9), 0.0, "outside the photo of 60x40"),
        ((5, -9, 8, 0), 0.0, "outside the photo"),
        ((5, 5, 8, 9), -0.1, "margin -0.1"),
        ((5, 5, 8, 9), float("inf"), "margin inf"),
    ],
)
def test_what_cannot_be_cut_out(corners: tuple[float, ...], margin: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cut(PHOTO, corners, margin)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox", "corner"])
@pytest.mark.parametrize("at", [(5, 7), (20, 22), (5, 22), (11, 16)])
def test_an_impulse_comes_back_to_its_own_pixel(fit: str, at: tuple[int, int]) -> None:
    """One lit pixel of the photo is one lit number of the input and one of the map, exactly."""
    photo = np.zeros((*PHOTO, 3), np.uint8)
    photo[at] = 255
    (crop,) = crops(photo, [(7, 5, 23, 21)])
    made = crop.prepare(photo, Preprocess(scale=1 / 255, fit=fit), info(1, 3, 16, 16))
    expected = np.zeros(PHOTO)
    expected[at] = 1
    assert np.argwhere(made.x[0, 0] == 1).tolist() == [[at[0] - 5, at[1] - 7]]
    np.testing.assert_array_equal(made.to_photo(made.x[0, 0]), expected)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox", "corner"])
@pytest.mark.parametrize("size", [(32, 32), (24, 48), (64, 24)])
def test_an_impulse_comes_back_where_the_cut_is_resized(fit: str, size: tuple[int, int]) -> None:
    """Enlarged and shrunk again it is brightest at its own pixel, and nothing lies outside."""
    photo = np.zeros((*PHOTO, 3), np.uint8)
    photo[14, 17] = 255
    (crop,) = crops(photo, [(9, 8, 29, 24)])
    made = crop.prepare(photo, Preprocess(scale=1 / 255, fit=fit, pad=0), info(1, 3, *size))
    back = made.to_photo(made.x[0, 0])
    assert np.unravel_index(back.argmax(), PHOTO) == (14, 17)
    x, y = np.array(made.placement.matrix) @ [
        *(np.array(np.unravel_index(made.x[0, 0].argmax(), size))[::-1] + 0.5),
        1,
    ]
    assert abs(x - 17.5) <= 0.5
    assert abs(y - 14.5) <= 0.5
    outside = back.copy()
    outside[8:24, 9:29] = 0
    assert not outside.any()


def test_the_model_is_shown_the_cut_pixels_and_nothing_else() -> None:
    """As if they were a photo: no pixel beyond the edge is smoothed in."""
    photo = ramp(*PHOTO)
    (crop,) = crops(photo, [{"corners": [9, 8, 29, 24], "label": "dog"}])
    own = np.asarray(Image.fromarray(photo).crop((9, 8, 29, 24)))
    spec, layout = Preprocess(mean=(7.0,), fit="stretch"), info(1, 3, 48, 40)
    made = crop.prepare(photo, spec, layout)
    np.testing.assert_array_equal(made.x, preprocess(own, spec, layout).x)
    assert crop.box["label"] == "dog"
    assert made.placement.photo == PHOTO
