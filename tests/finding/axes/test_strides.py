"""Strides within strides, and the cells that they walk over, by loops."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from backends.onnx.finding.axes.factors import Factor, Fresh, Given, flipped
from backends.onnx.finding.axes.strides import strides_of, walked
from tests.finding.axes.test_factors import cells

ROWS = Factor(Given("x", 2, 24), 24)
TABLES = {
    "windows": (0, [(6, 4), (4, 1)]),
    "unfolded": (0, [(4, 1), (6, 4)]),
    "overlapping": (1, [(3, 1), (11, 2)]),
    "with gaps": (2, [(4, 5), (2, 2)]),
    "backwards": (23, [(6, -4), (4, -1)]),
    "three deep": (0, [(2, 3), (2, 12), (3, 1)]),
}


def numbers(first: int, strides: list[tuple[int, int]]) -> list[int]:
    turns = product(*(range(count) for count, _ in strides))
    steps = [step for _, step in strides]
    return [first + sum(k * step for k, step in zip(turn, steps, strict=True)) for turn in turns]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_strides_that_it_was_made_of(name: str) -> None:
    first, strides = TABLES[name]
    assert numbers(*TABLES[name]) == numbers(first, strides_of(numbers(first, strides)) or [])


@pytest.mark.parametrize(
    "table", [[0, 1, 2, 5], [3, 4, 5, 0, 1, 2], [0, 2, 1, 4], [0, 1, 3, 4, 5, 7], [2, 2, 2]]
)
def test_rolls_and_other_orders_are_none(table: list[int]) -> None:
    assert strides_of(table) is None


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("turned", [False, True])
def test_the_cells_are_those_of_the_table(name: str, turned: bool) -> None:
    (factor,) = flipped((ROWS,)) if turned else (ROWS,)
    wanted = numbers(*TABLES[name])
    expected = [23 - n for n in wanted] if turned else wanted
    assert cells(walked(factor, *TABLES[name])) == expected


def test_a_repetition_is_an_axis_of_its_own() -> None:
    each, place = walked(ROWS, 0, [(2, 0), (24, 1)])
    assert (each.extent, type(each.origin)) == (2, Fresh)
    assert place == ROWS


def test_overlapping_windows_lie_where_their_middles_are() -> None:
    _, windows = walked(ROWS, 0, [(4, 1), (11, 2)])
    assert (windows.start, windows.width, windows.extent) == (1, 2, 11)
    _, back = walked(ROWS, 23, [(4, -1), (11, -2)])
    assert (back.start, back.end) == (23, Fraction(1))


def test_overlapping_windows_of_a_padded_picture_are_over_the_whole_of_it() -> None:
    padded = Factor(ROWS.origin, 30, start=Fraction(-3))
    _, windows = walked(padded, 0, [(7, 1), (6, 4)])
    assert (windows.start, windows.end) == (0, 24)
    _, back = walked(padded, 29, [(7, -1), (6, -4)])
    assert (back.start, back.end) == (24, 0)
