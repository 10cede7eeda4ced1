"""Pictures that several maps share: each map where it lies, one scale for all."""

from __future__ import annotations

import numpy as np

from cam_core.image import Mark, place
from cam_core.image.joint import signed_sheet, tinted_card
from cam_core.image.tinted import STRONGEST, signed_over

PHOTO = np.full((448, 448, 3), 100, np.uint8)
PLACED = place((448, 448), (14, 14), "stretch")
UNIT = 12


def test_each_map_is_painted_in_the_colour_of_its_box() -> None:
    heats = np.zeros((2, 14, 14), np.float32)
    heats[0, 3, 3] = heats[1, 10, 10] = 1
    colours = [(250, 0, 0), (0, 0, 250)]
    marks = [Mark((64, 64, 160, 160), "a", colours[0]), Mark((288, 288, 384, 384), "b", colours[1])]
    page = tinted_card(PHOTO, heats, PLACED, marks, title="2 boxes")
    left = (page.shape[1] - 448) // 2
    shown = page[UNIT : UNIT + 448, left : left + 448]
    for cell, colour in ((3, colours[0]), (10, colours[1])):
        middle = shown[cell * 32 + 16, cell * 32 + 16]
        expected = [100 * (1 - STRONGEST) + c * STRONGEST for c in colour]
        np.testing.assert_allclose(middle, expected, atol=10)  # between two cells
    np.testing.assert_array_equal(shown[3 * 32 + 16, 10 * 32 + 16], [100] * 3)


def test_one_value_has_one_colour_in_every_panel() -> None:
    values = [np.full((14, 14), v, np.float32) for v in (2.0, 1.0, -1.0)]
    words = ["predicted", "true", "difference"]
    page = signed_sheet(PHOTO, values, PLACED, words, title="a, not b", limit=2.0)
    expected = [signed_over(PHOTO[:1, :1], np.float32([[v]]))[0, 0] for v in (1.0, 0.5, -0.5)]
    row = page[200]
    for colour in expected:
        assert (row == colour).all(axis=1).sum() >= 448
