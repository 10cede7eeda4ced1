"""The segment of a planted rectangle, on the photo, under every way to lay a photo in an input."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.image import Placement, cut, place
from cam_core.image.segment import box_on_photo, largest_segment, pixels_on_photo, showing

PLACES = {  # each has a whole number of photo pixels to an input pixel
    "letterbox, wide": (place((40, 80), (20, 20), "letterbox"), (8, 12, 24, 28)),
    "letterbox, high": (place((80, 40), (20, 20), "letterbox"), (4, 16, 20, 60)),
    "corner": (place((40, 80), (20, 20), "corner"), (0, 0, 8, 40)),
    "centre crop": (place((60, 120), (30, 30), "crop"), (40, 10, 80, 26)),
    "resized, then cropped": (place((64, 96), (28, 28), "crop", shorter=32), (30, 20, 42, 40)),
    "a part of the photo": (
        cut((80, 100), (10, 6, 50, 46)).on_photo(place((40, 40), (20, 20), "stretch")),
        (20, 16, 40, 26),
    ),
    "stretch": (place((40, 120), (20, 20), "stretch"), (12, 6, 36, 30)),
}
"""name: (where the photo lies, a rectangle of the photo)."""


def planted(placement: Placement, box: tuple[int, int, int, int]) -> Array:
    """What a model that passes pixels on sees of a white rectangle: the centre of each cell."""
    (sx, _, dx), (_, sy, dy) = placement.matrix
    heat = np.zeros(placement.size, np.float32)
    for i in range(placement.size[0]):
        for j in range(placement.size[1]):
            x, y = (j + 0.5) * sx + dx, (i + 0.5) * sy + dy
            heat[i, j] = box[0] <= x < box[2] and box[1] <= y < box[3]
    return heat


@pytest.mark.parametrize("name", PLACES)
def test_a_planted_rectangle_comes_back(name: str) -> None:
    placement, box = PLACES[name]
    cells = largest_segment(planted(placement, box), placement)
    assert cells is not None
    np.testing.assert_allclose(box_on_photo(cells, placement), box, rtol=1e-12)  # float64's sums
    mask = np.zeros(placement.photo, bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    np.testing.assert_array_equal(pixels_on_photo(cells, placement), mask)


def test_pixels_against_a_loop_where_nothing_is_whole() -> None:
    rng = np.random.default_rng(0)
    for fit in ("letterbox", "crop", "stretch", "corner"):
        placement = place((37, 53), (16, 16), fit)
        cells = rng.random((16, 16)) > 0.5
        (sx, _, dx), (_, sy, dy) = placement.matrix
        expected = np.zeros((37, 53), bool)
        for y in range(37):
            for x in range(53):
                i, j = int((y + 0.5 - dy) // sy), int((x + 0.5 - dx) // sx)
                expected[y, x] = 0 <= i < 16 and 0 <= j < 16 and cells[i, j]
        np.testing.assert_array_equal(pixels_on_photo(cells, placement), expected)


def test_what_the_model_never_saw_is_in_no_mask() -> None:
    placement = place((60, 120), (30, 30), "crop")
    mask = pixels_on_photo(np.ones((30, 30), bool), placement)
    assert mask.sum() == 60 * 60
    assert not mask[:, :30].any()


def test_heat_in_the_padding_neither_counts_nor_sets_the_maximum() -> None:
    placement = place((40, 80), (20, 20), "letterbox")
    heat = np.zeros((20, 20))
    heat[0:4] = 100  # above the photo, which begins in row 5
    heat[6, 3], heat[12, 8:12] = 1, 0.5
    cells = largest_segment(heat, placement, 0.4)
    assert cells is not None
    np.testing.assert_array_equal(np.argwhere(cells), [[12, j] for j in range(8, 12)])
    only = np.where(np.arange(20)[:, None] < 4, heat, 0)
    assert largest_segment(only, placement) is None


def test_otsu_is_of_the_cells_that_show_the_photo() -> None:
    placement = place((40, 80), (20, 20), "letterbox")
    heat = np.full((20, 20), 50.0)
    heat[showing(placement)] = 0.1
    heat[8:10, 8:10] = 1.0
    cells = largest_segment(heat, placement, "otsu")
    assert cells is not None
    assert cells.sum() == 4
