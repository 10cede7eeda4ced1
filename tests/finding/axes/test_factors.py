"""Factors: exact splits and merges, and what is lost with its reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backends.onnx.finding.axes.factors import (
    FRESH,
    Factor,
    Given,
    Joined,
    Lost,
    Reordered,
    descends,
    flipped,
    leaves,
    length,
    loss,
    merged,
    split,
)

ROWS = Factor(Given("x", 2, 24), 24)
COLUMNS = Factor(Given("x", 3, 8), 8)
WHY = Lost("node", "by Reshape")


def cells(axis: tuple[Factor, ...]) -> list[int]:
    """The cells of one origin that a list of its factors walks over, by loops."""
    found = [Fraction(0)]
    for factor in axis:
        lows = [
            factor.start + k * factor.width + min(factor.width, 0) for k in range(factor.extent)
        ]
        found = [a + low for a in found for low in lows]
    return [int(low) for low in found]


@pytest.mark.parametrize("outer", [1, 2, 3, 4, 6, 8, 12, 24])
@pytest.mark.parametrize("turned", [False, True])
def test_a_split_walks_over_the_same_cells(outer: int, turned: bool) -> None:
    (whole,) = flipped((ROWS,)) if turned else (ROWS,)
    parts = split(whole, outer)
    assert [factor.extent for factor in parts] == [outer, 24 // outer]
    assert cells(parts) == cells((whole,)) == (list(range(24))[:: -1 if turned else 1])
    assert merged(parts) == (whole,)


def test_neighbours_merge_where_their_steps_fit() -> None:
    outer, inner = split(ROWS, 4)
    assert merged([outer, inner]) == (ROWS,)
    assert merged([inner, outer]) == (inner, outer)
    assert merged([outer, COLUMNS]) == (outer, COLUMNS)
    assert merged([Factor(FRESH, 2), Factor(FRESH, 3)]) == (Factor(FRESH, 6),)


def test_a_reordering_that_changes_nothing_is_what_it_reorders() -> None:
    same = Factor(Reordered((ROWS,), tuple(range(24))), 24)
    assert merged([same]) == (ROWS,)


def test_what_an_axis_descends_from() -> None:
    joined = Factor(Joined(((Factor(FRESH, 1),), (ROWS, COLUMNS))), 193)
    assert length(joined.origin) == 193
    assert joined.whole
    assert list(leaves((joined,))) == [FRESH, ROWS.origin, COLUMNS.origin]
    assert descends((joined,))
    assert not descends((Factor(FRESH, 3), Factor(WHY, 2)))
    assert loss((Factor(FRESH, 3), Factor(WHY, 2))) == WHY


def test_widths_are_exact() -> None:
    third = Factor(ROWS.origin, 9, Fraction(24, 9))
    outer, inner = split(third, 3)
    assert (outer.width, inner.width) == (8, Fraction(8, 3))
    assert merged([outer, inner]) == (third,)
