"""Marks lie where they are said to: pixels counted around planted boxes and regions."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.image import Mark, Outline
from cam_core.image.marks import grown, mark
from cam_core.image.page import INK, PAPER

GREY = np.full((240, 360, 3), 120, np.uint8)


def changed(painted: np.ndarray) -> np.ndarray:
    return (painted != GREY).any(axis=2)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_box_has_its_corners_and_nothing_inside(scale: int) -> None:
    """`scale`: the photo's own size over that of the picture."""
    corners = tuple(scale * v for v in (100, 60, 200, 180))
    there = changed(mark(GREY, [Mark(corners)], (240 * scale, 360 * scale)))
    rows, columns = np.nonzero(there)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (100, 200, 60, 180)
    assert not there[80:160, 120:180].any()


@pytest.mark.parametrize("scale", [1, 3])
def test_an_outline_follows_the_edge_of_its_region(scale: int) -> None:
    region = np.zeros((240 // scale, 360 // scale), bool)
    region[60 // scale : 180 // scale, 90 // scale : 210 // scale] = True
    painted = mark(GREY, [Outline(region)], region.shape)
    light, dark = ((painted == colour).all(axis=2) for colour in (PAPER, INK))
    inside = np.zeros(GREY.shape[:2], bool)
    inside[60:180, 90:210] = True
    assert light.any()
    assert dark.any()
    assert not (light & ~inside).any()  # the light line lies inside, the dark one outside
    assert not (dark & inside).any()
    edge = inside & ~np.roll(inside, 1, axis=1) | inside & ~np.roll(inside, -1, axis=0)
    assert light[edge].all()
    assert not changed(painted)[80:160, 110:190].any()
    assert (light | dark)[56:184, 86:214].sum() == changed(painted).sum()


def test_a_region_at_the_border_is_open_there() -> None:
    """Nobody knows whether it ends at the picture's border."""
    region = np.zeros((240, 360), bool)
    region[:, :100] = True
    painted = mark(GREY, [Outline(region)], region.shape)
    assert not changed(painted)[:, :80].any()


def test_no_mark_leaves_the_picture() -> None:
    assert mark(GREY, [], (240, 360)) is GREY
    np.testing.assert_array_equal(mark(GREY, [Outline(np.zeros((2, 3), bool))], (2, 3)), GREY)


def test_what_grows_goes_to_its_four_neighbours(rng: np.random.Generator) -> None:
    region = rng.random((9, 11)) > 0.9
    expected = [
        [
            any(
                region[i, j]
                for i in range(9)
                for j in range(11)
                if abs(i - row) + abs(j - column) <= 2
            )
            for column in range(11)
        ]
        for row in range(9)
    ]
    np.testing.assert_array_equal(grown(region, 2), expected)
