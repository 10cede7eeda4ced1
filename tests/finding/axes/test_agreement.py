"""What several axes that are added up have in common, or that they have nothing."""

from __future__ import annotations

from backends.onnx.finding.axes.agreement import agreed
from backends.onnx.finding.axes.cells import cut
from backends.onnx.finding.axes.factors import FRESH, Factor, Given, Joined, Lost, flipped, split

ROWS = Factor(Given("x", 2, 24), 24)
WHY = Lost("node", "by Add")


def test_a_walk_and_the_same_backwards_do_not_agree() -> None:
    back = flipped((ROWS,))
    assert agreed([(ROWS,), (ROWS,)], WHY) == (ROWS,)
    assert agreed([(ROWS,), back], WHY) == (Factor(WHY, 24),)


def test_what_is_known_of_a_picture_wins() -> None:
    assert agreed([(Factor(FRESH, 24),), (ROWS,)], WHY) == (ROWS,)
    assert agreed([(Factor(WHY, 24),), (ROWS,)], WHY) == (ROWS,)
    assert agreed([(Factor(FRESH, 24),), (Factor(WHY, 24),)], WHY) == (Factor(WHY, 24),)


def test_of_nearly_the_same_what_was_not_joined_wins() -> None:
    later = Factor(Joined((cut((ROWS,), 1, 23), (Factor(FRESH, 1),))), 24)
    assert agreed([(later,), (ROWS,)], WHY) == (ROWS,)


def test_each_adds_what_the_other_does_not_know() -> None:
    """Windows in the batch, and the same queries repeated for each of them."""
    batch = Factor(Given("x", 0, 5), 5)
    windows, inner = split(ROWS, 4)
    columns = Factor(Given("x", 3, 6), 6)
    repeated = (batch, Factor(FRESH, 24))
    assert agreed([repeated, (batch, windows, columns)], WHY) == (batch, windows, columns)
    assert agreed([(batch, windows, columns), repeated], WHY) == (batch, windows, columns)
    some = [(batch, Factor(FRESH, 4), columns), (batch, windows, Factor(FRESH, 6))]
    assert agreed(some, WHY) == (batch, windows, columns)
    crossed = [(batch, Factor(FRESH, 8), Factor(Given("x", 1, 3), 3)), (batch, windows, columns)]
    assert agreed(crossed, WHY) == (Factor(WHY, 120),)
    assert agreed([(ROWS,), (windows, Factor(FRESH, 6))], WHY) == (ROWS,)
    assert agreed([(ROWS,), (inner, Factor(FRESH, 4))], WHY) == (Factor(WHY, 24),)
