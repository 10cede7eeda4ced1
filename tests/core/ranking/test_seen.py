"""Boxes of a photo where the model sees them, against the way back of the placement."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.image import place
from cam_core.maps.boxes import in_photo
from cam_core.ranking import Seen

PHOTO = (90, 120)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox", "corner"])
def test_boxes_go_there_and_back(fit: str, rng: np.random.Generator) -> None:
    placement = place(PHOTO, (64, 48), fit)
    seen = Seen(placement.corner, placement.inner, placement.matrix)
    low = rng.uniform((40, 20), (60, 40), (20, 2))  # within what each of them shows
    boxes = np.hstack([low, low + rng.uniform(1, 15, (20, 2))])
    moved = seen.boxes(boxes)
    rows, columns = seen.part
    back = in_photo(moved + np.array([columns.start, rows.start] * 2), placement)
    np.testing.assert_allclose(back, boxes, atol=1e-9)


def test_what_is_cropped_away_is_cut_off_and_shows_nothing() -> None:
    placement = place(PHOTO, (30, 30), "crop")  # columns 15 to 105 of 120, three pixels a cell
    seen = Seen(placement.corner, placement.inner, placement.matrix)
    assert seen.boxes([[0, 30, 30, 60]]).tolist() == [[0, 10, 5, 20]]
    assert seen.shows([[0, 30, 30, 60]])
    assert not seen.shows([[0, 30, 14, 60]])
    assert seen.shows([[0, 30, 14, 60], [50, 30, 60, 60]])


def test_the_part_of_a_letterbox_is_without_its_padding() -> None:
    placement = place((20, 40), (40, 40), "letterbox")
    seen = Seen(placement.corner, placement.inner, placement.matrix)
    assert seen.part == (slice(10, 30), slice(0, 40))
