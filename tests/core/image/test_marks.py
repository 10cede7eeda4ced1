"""Boxes are drawn where they are, whatever the size of the picture."""

from __future__ import annotations

import numpy as np

from cam_core.image.marks import Mark, mark

GREY = np.full((200, 300, 3), 90, np.uint8)


def changed(marks: list[Mark], photo: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is no longer grey."""
    rows, columns = np.nonzero(np.any(mark(GREY, marks, photo) != GREY, axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_box_lies_where_it_is() -> None:
    assert changed([Mark((30, 40, 130, 140))], (200, 300)) == (30, 40, 130, 140)
    assert changed([Mark((15, 20, 65, 70))], (100, 150)) == (30, 40, 130, 140)


def test_what_reaches_beyond_the_photo_is_held_at_its_edge() -> None:
    assert changed([Mark((-50, -50, 500, 500), "cat 0.9")], (200, 300)) == (0, 0, 299, 199)


def test_inside_a_box_the_picture_is_left_alone() -> None:
    drawn = mark(GREY, [Mark((30, 40, 130, 140))], (200, 300))
    np.testing.assert_array_equal(drawn[60:120, 50:110], GREY[60:120, 50:110])
    assert mark(GREY, [], (200, 300)) is GREY


def test_a_name_is_in_the_corner_of_its_box() -> None:
    plain, named = (
        mark(GREY, [Mark((30, 40, 230, 190), text)], (200, 300)) for text in ("", "dog 0.93")
    )
    rows, columns = np.nonzero(np.any(plain != named, axis=2))
    assert (columns.min() > 30, columns.max() < 230, rows.max() < 80) == (True, True, True)
