"""How much of a map lies where, against loops over the pixels of the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.audit.data import Thing
from cam_core.audit.measure.energy import Energies, at_border, energies, shown
from cam_core.compare.photos import Seen
from cam_core.image.place import FITS, place
from cam_core.sources.boxes import Labelled

PHOTO, INPUT = (60, 100), (24, 32)
CAT = Labelled("cat", 10, 20, 50, 55)
DOG = Labelled("dog", 40, 5, 90, 30)


def seen(signed: Any) -> Seen:
    signed = np.asarray(signed, np.float32)
    return Seen(signed, float(signed.max()), 1e-6, None, "")


def looped(heat: Any, placement: Any, own: Any, rest: Any) -> tuple[float, ...]:
    """Pixel by pixel of the input: where its centre lies in the photo, and on what."""
    (sx, _, dx), (_, sy, dy) = placement.matrix
    sums, areas = np.zeros(4), np.zeros(4)
    for i in range(placement.size[0]):
        for j in range(placement.size[1]):
            x, y = (j + 0.5) * sx + dx, (i + 0.5) * sy + dy
            if not (0 <= x < placement.photo[1] and 0 <= y < placement.photo[0]):
                continue
            on = [
                any(b.x0 <= x < b.x1 and b.y0 <= y < b.y1 for b in boxes) for boxes in (own, rest)
            ]
            where = 0 if on[0] else 1 if on[1] else 2
            for k in (where, 3):
                sums[k] += heat[i, j]
                areas[k] += 1
    return (*(sums[:3] / sums[3]), *(areas[:2] / areas[3]))


@pytest.mark.parametrize("fit", FITS)
def test_shares_are_those_of_a_loop_over_pixels(fit: str) -> None:
    placement = place(PHOTO, INPUT, fit)
    heat = np.random.default_rng(2).random(INPUT)  # at the input's size nothing is interpolated
    found = energies(seen(heat), placement, [Thing(CAT)], [Thing(DOG)])
    own, other, rest, *sizes = looped(heat.astype(np.float32), placement, [CAT], [DOG])
    expected = (own, other, rest, *sizes)
    got = (found.object, found.other, found.background, found.object_size, found.other_size)
    np.testing.assert_allclose(got, expected, rtol=1e-6)  # the heat is float32
    assert found.object + found.other + found.background == pytest.approx(1, abs=1e-12)


def test_an_even_map_has_the_shares_of_the_areas() -> None:
    found = energies(seen(np.ones((3, 4))), place(PHOTO, INPUT, "stretch"), [Thing(CAT)], [])
    assert found.object == pytest.approx(found.object_size, rel=1e-6)
    assert found.other == 0
    inner = (24 - 2 * 2) * (32 - 2 * 3)  # a tenth of each side in whole pixels
    assert found.border == pytest.approx(1 - inner / (24 * 32), rel=1e-6)
    assert at_border(np.ones((2, 2))) == 4  # nothing is inner


def test_heat_in_the_middle_is_not_at_the_border() -> None:
    heat = np.zeros(INPUT)
    heat[10:14, 10:20] = 1
    assert energies(seen(heat), place(INPUT, INPUT, "stretch"), [], []).border == 0
    heat = np.zeros(INPUT)
    heat[0] = heat[:, -1] = 1
    assert energies(seen(heat), place(INPUT, INPUT, "stretch"), [], []).border == 1


def test_a_mask_counts_in_place_of_its_box() -> None:
    mask = np.zeros(PHOTO, bool)
    mask[30:40, 20:30] = True
    small = Labelled("cat", 20, 30, 30, 40)
    placement, heat = place(PHOTO, INPUT, "letterbox"), np.random.default_rng(3).random(INPUT)
    by_mask = energies(seen(heat), placement, [Thing(CAT, lambda: mask)], [])
    by_box = energies(seen(heat), placement, [Thing(small)], [])
    assert by_mask == by_box
    assert 0 < by_mask.object < energies(seen(heat), placement, [Thing(CAT)], []).object


def test_padding_is_not_looked_at() -> None:
    placement = place((40, 40), (10, 20), "letterbox")  # ten columns in the middle of twenty
    assert shown(placement) == (slice(0, 10), slice(5, 15))
    heat = np.zeros((10, 20))
    heat[4, 9], heat[4, 0] = 1, 100
    found = energies(seen(heat), placement, [Thing(Labelled("", 0, 0, 40, 40))], [])
    assert (found.object, found.background) == (1, 0)


@pytest.mark.parametrize(
    ("signed", "sizes"),
    [(np.zeros((3, 4)), True), (np.full((3, 4), -1.0), True), (np.full((3, 4), np.nan), False)],
)
def test_a_blank_map_lies_nowhere(signed: Any, sizes: bool) -> None:
    found = energies(seen(signed), place(PHOTO, INPUT, "crop"), [Thing(CAT)], [])
    assert np.isnan([found.object, found.other, found.background, found.border]).all()
    assert (found.object_size > 0) == sizes


def test_without_marks_only_the_border_is_known() -> None:
    found = energies(seen(np.ones((3, 4))), place(PHOTO, INPUT, "crop"), [], [])
    assert found.border > 0
    assert np.isnan([found.object, found.other, found.background]).all()


def test_what_is_about_nothing_marked_has_no_object() -> None:
    found = energies(seen(np.ones((3, 4))), place(PHOTO, INPUT, "stretch"), [], [Thing(DOG)])
    assert np.isnan([found.object, found.object_size]).all()
    assert found.other == pytest.approx(found.other_size, rel=1e-6)
    assert found.background == pytest.approx(1 - found.other_size, rel=1e-6)


def test_what_is_no_photo_has_no_places() -> None:
    none = energies(seen(np.ones((3, 4))), None, [Thing(CAT)], [])
    assert all(np.isnan(value) for value in vars(none).values())
    assert vars(none).keys() == vars(Energies()).keys()
