"""How far axes walk: what lost its windows is lost, what is nearly the same is the same."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backends.onnx.finding.axes.cells import cut
from backends.onnx.finding.axes.factors import Factor, Given, Lost, Reordered, flipped, split
from backends.onnx.finding.axes.spans import narrowed, near, spans, spans_of

ROWS = Factor(Given("x", 2, 24), 24)
WHY = Lost("node", "by Reshape")


def test_what_walks_within_windows_is_lost_with_the_windows() -> None:
    outer, inner = split(ROWS, 4)
    before = spans([(outer,), (inner,)])
    assert narrowed(((outer,),), before, WHY) == ((outer,),)
    assert narrowed(((inner,),), before, WHY) == ((Factor(WHY, 6),),)


def test_a_span_is_the_same_however_it_is_split_or_ordered() -> None:
    outer, inner = split(ROWS, 4)
    whole = {ROWS.origin: (12, 24, 1)}
    assert spans_of((ROWS,)) == whole
    assert spans_of((outer, inner))[ROWS.origin][1:] == (24, 1)
    rolled = Factor(Reordered((ROWS,), tuple((i + 3) % 24 for i in range(24))), 24)
    assert spans_of((rolled,)) == whole


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ((0, 24), (0, 24), True),
        ((0, 23), (1, 23), True),
        ((4, 16), (0, 24), True),
        ((0, 12), (12, 12), False),
        ((0, 20), (4, 20), False),
    ],
)
def test_cells_no_further_than_one_apart_are_the_same(first, second, same) -> None:
    """A shift by one and a crop to fit are; halves and shifts by more are not."""
    a, b = (cut((ROWS,), *part) for part in (first, second))
    assert near(spans_of(a)[ROWS.origin], spans_of(b)[ROWS.origin]) is same


def test_a_walk_backwards_has_a_reach_below_zero() -> None:
    back = flipped((ROWS,))
    assert spans_of(back)[ROWS.origin] == (12, -24, -1)
    assert isinstance(spans_of(back)[ROWS.origin][0], Fraction)
