"""What several axes that are added up have in common, or that they have nothing."""

from __future__ import annotations

from backends.onnx.finding.axes.agreement import agreed
from backends.onnx.finding.axes.factors import FRESH, Factor, Given, Joined, Lost, flipped
from backends.onnx.finding.axes.moves import cut

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
