"""Pointing and energy, cell by cell, and against values that others publish."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.localisation import energy_in_box, pointing_game

Array = np.ndarray


def at(i: int, j: int, size: tuple[int, int] = (3, 3)) -> Array:
    """A map with one cell of heat."""
    heat = np.zeros((1, *size))
    heat[0, i, j] = 1
    return heat


# openvino_xai 1.1.0, tests/unit/metrics/test_pointing_game.py; its boxes are x, y, width, height
# with the last pixel included: 1 is added here.
OPENVINO = [
    (at(1, 1), [(1, 1, 2, 2)], 1.0),
    (at(1, 1), [(0, 0, 1, 1)], 0.0),
    ([[[0, 1], [2, 3]]], [(0, 0, 3, 3)], 1.0),
    ([[[0, 0], [0, 1]]], [(0, 0, 2, 2)], 1.0),
    ([[[0, 0], [0, 1]]], [(0, 0, 1, 1)], 0.0),
]


@pytest.mark.parametrize(("heat", "boxes", "expected"), OPENVINO)
def test_openvino_values(heat: Array, boxes: list[tuple[int, ...]], expected: float) -> None:
    assert pointing_game(np.array(heat), [boxes]).tolist() == [expected]


def test_pointing_by_loops(rng: np.random.Generator) -> None:
    maps = rng.random((40, 6, 9))
    boxes = np.sort(rng.uniform(0, 7, (40, 2, 2, 2)), axis=2).reshape(40, 2, 4)
    expected = []
    for heat, held in zip(maps, boxes, strict=True):
        cells = [(heat[i, j], i, j) for i in range(6) for j in range(9)]
        _, i, j = max(cells)
        expected.append(any(a <= j + 0.5 <= c and b <= i + 0.5 <= d for a, b, c, d in held))
    assert 0 < sum(expected) < 40
    assert pointing_game(maps, list(boxes)).tolist() == expected


def test_a_tolerance_is_a_distance_to_the_box() -> None:
    """From the centre of the cell, (0.5, 0.5), to the corner of the box at (3.5, 4.5): 3, 4, 5."""
    heat, box = at(0, 0, (9, 9)), [[(3.5, 4.5, 6, 6)]]
    found = [float(pointing_game(heat, box, tolerance=t)[0]) for t in (4.9, 5.0)]
    assert found == [0.0, 1.0]


def test_equal_maxima_count_by_their_share() -> None:
    heat = np.zeros((1, 1, 10))
    heat[0, 0, :4] = 2
    assert pointing_game(heat, [[(3, 0, 10, 1)]]).tolist() == [0.25]


def test_energy_by_loops(rng: np.random.Generator) -> None:
    maps = rng.random((5, 6, 9))
    boxes = np.sort(rng.uniform(0, 7, (5, 2, 2, 2)), axis=2).reshape(5, 2, 4)
    for heat, held, found in zip(maps, boxes, energy_in_box(maps, list(boxes)), strict=True):
        within = total = 0.0
        for i in range(6):
            for j in range(9):
                total += heat[i, j]
                if any(a <= j + 0.5 < c and b <= i + 0.5 < d for a, b, c, d in held):
                    within += heat[i, j]
        assert found == pytest.approx(within / total, rel=1e-12)


def test_boxes_that_overlap_count_once() -> None:
    heat = np.ones((1, 2, 4))
    assert energy_in_box(heat, [[(0, 0, 2, 2), (1, 0, 3, 2)]]).tolist() == [0.75]


def test_without_heat_nothing_is_pointed_at() -> None:
    blank, everywhere = np.zeros((1, 3, 3)), [[(0, 0, 3, 3)]]
    assert pointing_game(blank, everywhere).tolist() == [0.0]
    assert math.isnan(energy_in_box(blank, everywhere)[0])


def test_what_is_refused() -> None:
    box = [[(0, 0, 1, 1)]]
    with pytest.raises(InputError, match="positive part"):
        energy_in_box(-at(1, 1), box)
    with pytest.raises(InputError, match="1 lists of boxes for 2 maps"):
        pointing_game(np.ones((2, 3, 3)), box)
    with pytest.raises(InputError, match="map 0 has no box"):
        pointing_game(at(1, 1), [[]])


def test_boxes_of_the_photo_are_not_those_of_its_input() -> None:
    """A map at half the photo's size would miss, and nobody would be told."""
    maps, boxes = np.ones((2, 128, 128)), [[(0, 0, 128.5, 128)], [(156, 50, 242, 135)]]
    for measure in (pointing_game, energy_in_box):
        with pytest.raises(InputError, match=r"box .156.*leaves map 1 of 128 x 128.*to_photo"):
            measure(maps, boxes)
