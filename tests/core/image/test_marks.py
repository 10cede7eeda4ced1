"""Boxes on a picture: where the photo's pixels are, whatever its size there."""

from __future__ import annotations

import numpy as np

from cam_core.image.marks import Mark, mark


def coloured(painted: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (painted == np.array(colour)).all(axis=2)


def test_a_box_lies_at_its_corners_in_the_enlarged_photo() -> None:
    ground = np.full((200, 400, 3), 90, np.uint8)  # of a photo of 100 x 200
    painted = mark(ground, [Mark((20, 10, 60, 50), colour=(250, 10, 20))], (100, 200))
    rows, columns = np.nonzero(coloured(painted, (250, 10, 20)))
    np.testing.assert_allclose([columns.min(), columns.max()], [40, 120], atol=2)
    np.testing.assert_allclose([rows.min(), rows.max()], [20, 100], atol=2)
    assert (painted[40:80, 60:100] == 90).all()
    assert (ground == 90).all()


def test_a_box_beyond_the_photo_ends_at_its_edge() -> None:
    ground = np.zeros((50, 50, 3), np.uint8)
    painted = mark(ground, [Mark((-30, -30, 80, 80), colour=(9, 250, 9))], (50, 50))
    assert coloured(painted, (9, 250, 9))[[1, 25, 48], [25, 1, 25]].all()


def test_a_name_stands_in_the_corner_in_its_colour() -> None:
    ground = np.full((120, 200, 3), 255, np.uint8)
    bare = mark(ground, [Mark((10, 10, 190, 110), colour=(0, 0, 250))], (120, 200))
    named = mark(ground, [Mark((10, 10, 190, 110), "dog 0.9", (0, 0, 250))], (120, 200))
    rows, columns = np.nonzero((bare != named).any(axis=2))
    assert 10 <= rows.min() < rows.max() < 40
    assert 10 <= columns.min() < columns.max() < 120
    assert mark(ground, [], (120, 200)) is ground
