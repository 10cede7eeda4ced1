"""|<G, e>| and SQNR, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from backends.onnx.blaming.rating import Tally, by_blame, by_sqnr, error_of, shuffled
from backends.onnx.blaming.suspects import Error, Suspect

ONE = Suspect("t", "activation", (Error(("d", "e"), "x", "a"),), {})


def test_of_two_copies_and_two_models(rng: np.random.Generator) -> None:
    """blame = mean over photos of |sum_i (G_A + sum over copies of G_B)_i e_i / 2|."""
    tally, expected, signal, noise = Tally(ONE), [], 0.0, 0.0
    for _ in range(3):
        x, d, g1, g2, ga = (rng.normal(size=(2, 3)) for _ in range(5))
        tally.add({"d": d, "x": x}, [{"d": g1, "e": g2}, {"a": ga}])
        total = 0.0
        for i in range(2):
            for j in range(3):
                e = d[i, j] - x[i, j]
                total += (ga[i, j] + g1[i, j] + g2[i, j]) / 2 * e
                signal, noise = signal + x[i, j] ** 2, noise + e**2
        expected.append(abs(total))
    found = tally.rating()
    assert found.blame == pytest.approx(np.mean(expected))
    assert found.sqnr == pytest.approx(10 * np.log10(signal / noise))
    assert found.reaches


def test_an_overflow_is_infinite_and_what_follows_it_is_not() -> None:
    finite, none = np.ones(2), np.array([1.0, np.inf])
    assert np.isinf(error_of(none, finite)).tolist() == [False, True]
    assert error_of(none, none).tolist() == [0, 0]
    assert error_of(np.array([np.nan, 1.0]), np.array([np.nan, 1.0])).tolist() == [0, 0]
    tally = Tally(ONE)
    tally.add({"d": none, "x": finite}, [{"d": finite}])
    assert tally.rating().blame == np.inf
    assert tally.rating().sqnr == -np.inf


def test_a_gradient_that_is_no_number_says_nothing() -> None:
    tally = Tally(ONE)
    tally.add(
        {"d": np.array([2.0]), "x": np.array([1.0])},
        [{"d": np.array([np.nan])}, {"a": np.array([3.0])}],
    )
    assert tally.rating().blame == 3


def test_what_does_not_reach_the_score() -> None:
    tally = Tally(ONE)
    tally.add({"d": np.ones(2), "x": np.zeros(2)}, [{}])
    assert tally.rating().blame == 0
    assert not tally.rating().reaches


def test_orders() -> None:
    ratings = []
    for name, error, slope in (("loud", 3.0, 0.1), ("felt", 1.0, 2.0), ("none", 0.0, 1.0)):
        tally = Tally(Suspect(name, "activation", (Error(("d",), "x"),), {}))
        tally.add({"d": np.array([1 + error]), "x": np.ones(1)}, [{"d": np.array([slope])}])
        ratings.append(tally.rating())
    assert [r.suspect.name for r in by_blame(ratings)] == ["felt", "loud", "none"]
    assert [r.suspect.name for r in by_sqnr(ratings)] == ["loud", "felt", "none"]
    assert sorted(r.suspect.name for r in shuffled(ratings, 0)) == ["felt", "loud", "none"]
    assert ratings[2].sqnr == np.inf
