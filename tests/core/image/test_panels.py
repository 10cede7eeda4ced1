"""Panels on one sheet: one scale of colours, rows of four, room for every label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cam_core.backend import Array
from cam_core.image import Mark, Panel, jet, sheet
from cam_core.image.page import page_of
from cam_core.image.panels import lay_out, painted_sheet


def panel(height: int, width: int, heat: float = 0.0, label: str = "") -> Panel:
    photo = np.full((height, width, 3), 120, np.uint8)
    return Panel(photo, np.full((height, width), heat, np.float32), label)


def test_a_colour_means_the_same_in_every_panel() -> None:
    page = sheet([panel(300, 200, 0.25), panel(300, 200, 1.0)], title="dog", limits=(0, 2))
    unit = 12
    left, right = page[unit + 150, unit + 100], page[unit + 150, unit + 200 + 12 + 100]
    blends = [0.5 * jet(np.array(h)) / 255 + 0.5 * 120 / 255 for h in (0.25, 1.0)]
    top = max(float(blend.max()) for blend in blends)
    for pixel, blend in zip((left, right), blends, strict=True):
        np.testing.assert_allclose(pixel, 255 * blend / top, atol=2)
    assert (page[unit + 150, unit + 200 : unit + 212] == 255).all()  # paper between them


def test_rows_of_four() -> None:
    corners, (height, width) = lay_out([panel(50, 80)] * 6, page_of(20), labels=True)
    assert corners == [(y, x) for y in (0, 70) for x in (0, 100, 200, 300)][:6]
    assert (height, width) == (120, 380)


def test_a_label_has_room() -> None:
    page = page_of(20)
    long = panel(50, 10, label="sagittal, W 31")
    length = page.small.getlength(long.label)
    corners, (height, width) = lay_out([long, long], page, labels=True)
    assert corners[1][1] >= length
    assert width >= corners[1][1] + length - 1
    assert height >= 50 + page.small.size
    assert lay_out([long, long], page, labels=False)[1] == (50, 40)


def test_columns_stay_in_line_under_labels_of_any_length() -> None:
    names = ["boxer", "a", "tiger cat in the sun", "b", "c", "d"]
    page = page_of(20)
    corners, _ = lay_out([panel(50, 30, label=n) for n in names], page, labels=True, across=3)
    assert [x for _, x in corners[:3]] == [x for _, x in corners[3:]]
    assert corners[2][1] >= page.small.getlength("boxer") + page.small.getlength("b")


def test_letters_do_not_grow_with_the_number_of_pictures() -> None:
    """Of 4 and of 24 in a row or in a column: no more paper around them than letters need."""
    picture = np.zeros((256, 256, 3), np.uint8)
    across, down = (
        painted_sheet([(picture, "a")] * 24, title="dog", across=count) for count in (24, 4)
    )
    four = painted_sheet([(picture, "a")] * 4, title="dog")
    assert four.shape[0] == across.shape[0]  # one row, and words of one size beneath it
    unit = round(4 * 256 / 36)
    each = 256 + round(1.5 * unit) + unit
    assert down.shape[0] == four.shape[0] + 5 * each
    assert across.shape[1] == four.shape[1] + 20 * (256 + unit)


def test_labels_are_printed_beneath() -> None:
    named, bare = (sheet([panel(300, 448, 0.5, t)], title="dog") for t in ("axial, D 3", ""))
    under = named[12 + 300 : 12 + 300 + 18, 12 : 12 + 100]
    assert (under.min(axis=2) < 160).any()
    np.testing.assert_array_equal(named[12 : 12 + 300, :400], bare[12 : 12 + 300, :400])


def test_where_nothing_is_lit_the_photos_stay() -> None:
    pages: list[Array] = [
        sheet([panel(300, 200, 0, "one"), panel(300, 200)], title="dog", reason=text)
        for text in ("the gradient is zero", "")
    ]
    for page in pages:
        left = (page.shape[1] - 412) // 2
        assert (page[12 : 12 + 200, left : left + 200] == 120).all()
        assert (page[12 + 280, left : left + 100] != 120).any()  # the reason's strip
    assert not np.array_equal(*(page[250:320, :200] for page in pages))


def test_a_mark_lies_on_its_own_panel_over_the_heat() -> None:
    """The line of a box, 20 to 60 by 100 to 200 of the second of two panels."""
    plain = panel(300, 200, 0.5)
    marked = replace(plain, marks=(Mark((20.0, 100.0, 60.0, 200.0), "", (1, 2, 3)),))
    before, after = (sheet([plain, p], title="dog") for p in (plain, marked))
    rows, columns = np.nonzero((before != after).any(axis=2))
    unit, left = 12, 12 + 200 + 12
    assert abs(rows.min() - (unit + 100)) <= 2
    assert abs(rows.max() - (unit + 200)) <= 2
    assert abs(columns.min() - (left + 20)) <= 2
    assert abs(columns.max() - (left + 60)) <= 2
    assert (after[unit + 150, left + 18 : left + 26] == (1, 2, 3)).all(axis=1).any()
    assert (after[unit + 150, left + 40] == before[unit + 150, left + 40]).all()
