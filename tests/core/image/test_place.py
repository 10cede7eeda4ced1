"""Where the photo lies in the input: the affine map there and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.image import Preprocess, place, preprocess, read
from tests.core.image.photos import info, ramp

PLACES = [  # photo, input, fit, options
    ((300, 400), (224, 224), "crop", {"margin": 256 / 224}),
    ((400, 300), (224, 224), "crop", {}),
    ((333, 517), (224, 224), "crop", {"shorter": 250}),
    ((517, 333), (160, 320), "crop", {"margin": 1.1}),
    ((300, 400), (224, 224), "stretch", {}),
    ((300, 400), (224, 224), "letterbox", {}),
    ((400, 251), (416, 416), "letterbox", {}),
    ((300, 400), (224, 224), "corner", {}),
    ((400, 251), (416, 416), "corner", {}),
    ((100, 90), (224, 224), "crop", {}),
]


@pytest.mark.parametrize(("photo", "size", "fit", "options"), PLACES, ids=str)
def test_a_blob_comes_back_to_its_place(
    photo: tuple[int, int], size: tuple[int, int], fit: str, options: dict[str, Any]
) -> None:
    at = photo[0] * 0.42, photo[1] * 0.61  # in edge coordinates
    y, x = np.mgrid[: photo[0], : photo[1]] + 0.5
    blob = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * 8.0**2))
    image = np.repeat((255 * blob).astype(np.uint8)[..., None], 3, axis=2)
    layout = info(1, 3, *size)
    spec = Preprocess(
        fit=fit, pad=0, resize=options.get("shorter"), margin=options.get("margin", 1)
    )
    prepared = preprocess(image, spec, layout)
    back = prepared.to_photo(prepared.x[0, 0])
    assert back.shape == photo
    found = (back * y).sum() / back.sum(), (back * x).sum() / back.sum()
    np.testing.assert_allclose(found, at, atol=0.5)  # the centre of mass, within half a pixel


@pytest.mark.parametrize(("photo", "size", "fit", "options"), PLACES, ids=str)
def test_the_matrix_is_the_affine_map(
    photo: tuple[int, int], size: tuple[int, int], fit: str, options: dict[str, Any]
) -> None:
    placement = place(photo, size, fit, **options)
    i, j = np.mgrid[: size[0], : size[1]]
    peak = 1 / (1 + (i - size[0] // 2) ** 2 + (j - size[1] // 3) ** 2)
    back = placement.to_photo(peak)
    x, y = np.array(placement.matrix) @ [size[1] // 3 + 0.5, size[0] // 2 + 0.5, 1]
    row, column = np.unravel_index(back.argmax(), photo)
    assert abs(row + 0.5 - y) <= 1
    assert abs(column + 0.5 - x) <= 1


def test_a_crop_leaves_the_margin_at_zero() -> None:
    placement = place((100, 300), (64, 64), "crop")
    back = placement.to_photo(np.ones((7, 7)))
    assert back[:, 100:200].min() == 1
    assert back[:, :100].max() == back[:, 200:].max() == 0


def test_a_letterboxs_padding_is_cut_off() -> None:
    heatmap = np.zeros((64, 64))
    heatmap[:21] = heatmap[43:] = 1  # where the padding lies, but for half a pixel
    back = place((100, 300), (64, 64), "letterbox").to_photo(heatmap)
    assert back[5:-5].max() == 0


def test_a_corners_padding_is_to_the_right_and_below() -> None:
    wide, high = (place(photo, (64, 64), "corner") for photo in ((100, 300), (300, 100)))
    assert (wide.corner, wide.inner, high.corner, high.inner) == (
        (0, 0),
        (21, 64),
        (0, 0),
        (64, 21),
    )
    np.testing.assert_allclose(wide.matrix, [[300 / 64, 0, 0], [0, 100 / 21, 0]])


def test_a_coarse_map_is_spread_as_by_half_pixel_centres() -> None:
    cells = np.array([[0.0, 1.0]])
    back = place((2, 8), (2, 8), "stretch").to_photo(cells)
    np.testing.assert_allclose(back[0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_an_exif_rotated_photo_comes_back_upright(tmp_path: Path) -> None:
    stored = ramp(60, 100)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    image = read(tmp_path / "turned.png")
    np.testing.assert_array_equal(image, np.rot90(stored, -1))
