"""Passes are counted, seconds are taken in turn; no test waits for a clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from cam_core import open_backend
from cam_core.demo import MODEL
from cam_core.methods import METHODS, Method, Question
from cam_core.ranking import Cost, Costs, cost
from cam_core.ranking.cost import DEAR, ENOUGH, MOST, Passes, in_turn
from cam_core.targets.classes.one_class import ClassTarget

pytest.importorskip("onnxruntime")
Array = np.ndarray


def tails(question: Question) -> Array:
    """Seven of them."""
    question.tails(question.A for _ in range(7))
    return question.A[:, :, :1, :1] * 0 + 1


def passes(question: Question) -> Array:
    """Five changed pictures, and gradients at two more."""
    question.passes(question.picture for _ in range(5))
    list(question.gradients([question.picture, question.picture]))
    return question.A[:, :, :1, :1] * 0 + 1


def bends(question: Question) -> Array:
    """Second derivatives, of a score that the target makes nothing more of."""
    return question.HA


@pytest.mark.parametrize(
    ("formula", "needs", "expected"),
    [
        (lambda A, G: G, {"gradients"}, Passes(1, 1, 0)),
        (tails, {"tail"}, Passes(1, 0, 7)),
        (passes, {"passes", "input gradients"}, Passes(1 + 5 + 2, 2, 0)),
        (bends, {"second derivatives"}, Passes(1 + 1, 2, 0)),
    ],
)
def test_passes_are_those_that_a_method_makes(
    formula: object, needs: set[str], expected: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Method(formula, "", "", needs=frozenset(needs))  # type: ignore[arg-type]
    monkeypatch.setitem(METHODS, "planted", row)
    x = np.random.default_rng(0).random((1, 3, 128, 128), dtype=np.float32)
    found = cost(open_backend(MODEL.read_bytes()), x, ClassTarget(2), "planted")
    assert found.passes == expected
    assert found.ratio > 0


def clock(*steps: float) -> Iterator[float]:
    """Its readings where runs take these times, one after another."""
    now = 0.0
    for step in steps:
        yield now
        now += step
        yield now


def test_the_least_of_rounds() -> None:
    times = clock(*(0.06, 0.07), *(0.02, 0.05), *(0.03, 0.04))
    found = in_turn(lambda: None, lambda: None, clock=lambda: next(times))
    assert found == pytest.approx([0.02, 0.04])


def test_slow_runs_are_not_repeated() -> None:
    times = clock(DEAR / 2, DEAR)
    found = in_turn(lambda: None, lambda: None, clock=lambda: next(times))
    assert found == pytest.approx([DEAR / 2, DEAR])


def test_fast_runs_are_repeated_more_often() -> None:
    assert MOST * 0.001 < ENOUGH
    times = clock(*[0.001] * (2 * MOST - 1), 0.0005)
    found = in_turn(lambda: None, lambda: None, clock=lambda: next(times))
    assert found == pytest.approx([0.001, 0.0005])


def test_the_middle_of_photos() -> None:
    costs = Costs()
    assert costs.of("a") is None
    for ratio in (9, 2, 3):
        costs.add("a", Cost(ratio, Passes()))
    assert costs.of("a") == Cost(3, Passes())
