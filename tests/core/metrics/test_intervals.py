"""Intervals against scipy's bootstrap, and against how often they hold the true mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics import intervals
from cam_core.metrics.intervals import mean_interval, paired_difference


def test_the_interval_is_that_of_scipy(rng: np.random.Generator) -> None:
    from scipy.stats import bootstrap

    values = rng.gamma(2, size=40)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1)
    found = mean_interval(values)
    width = found.high - found.low
    assert found.mean == pytest.approx(values.mean())
    # Two draws of 10 000: the ends scatter by about 1 % of the width.
    np.testing.assert_allclose(
        [found.low, found.high], list(theirs.confidence_interval), atol=0.05 * width
    )


def test_it_holds_the_true_mean_as_often_as_it_says() -> None:
    """Of 200 samples with mean 2 an interval of 80 % holds it in 160, give or take 4 sigma."""
    rng = np.random.default_rng(3)
    samples = rng.gamma(2, size=(200, 60))
    found = [mean_interval(values, level=0.8, draws=400) for values in samples]
    held = sum(one.low <= 2 <= one.high for one in found)
    assert 135 <= held <= 183


def test_draws_in_parts_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(10.0)
    whole = mean_interval(values, draws=999)
    monkeypatch.setattr(intervals, "CELLS", 70)
    assert mean_interval(values, draws=999) == whole


def test_seeds_repeat(rng: np.random.Generator) -> None:
    values = rng.random(30)
    assert mean_interval(values, draws=100) == mean_interval(values, draws=100)
    assert mean_interval(values, draws=100) != mean_interval(values, draws=100, seed=1)


def test_pairs_stay_together(rng: np.random.Generator) -> None:
    """Photos that differ a lot, and a method that is better by 0.1 in each."""
    b = rng.normal(size=50)
    a = b + 0.1 + 0.01 * rng.normal(size=50)
    found = paired_difference(a, b)
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.02
    apart = mean_interval(a), mean_interval(b)
    assert apart[0].low < apart[1].high  # which alone would tell nothing


def test_rows_without_a_number_are_counted() -> None:
    found = mean_interval([1.0, np.nan, 3.0])
    assert (found.mean, found.rows, found.left_out) == (2.0, 2, 1)
    assert str(found).endswith("of 2, 1 without a number")
    assert paired_difference([1, np.nan, 3], [np.nan, 1, 1]).rows == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mean_interval([]), "no mean"),
        (lambda: mean_interval([np.nan]), "no mean"),
        (lambda: mean_interval([[1.0]]), "no mean"),
        (lambda: mean_interval([1.0, np.inf]), "no mean of inf"),
        (lambda: mean_interval([1.0], level=95), "no share of draws"),
        (lambda: paired_difference([1, 2], [1]), "no pairs"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]


MANY: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "even": lambda rng, n: rng.random(n),
    "skewed": lambda rng, n: rng.lognormal(0, 2, n),
    "yes and no": lambda rng, n: (rng.random(n) < 0.8).astype(float),
    "three of many": lambda rng, n: (np.arange(n) < 3).astype(float),
    "one that is large": lambda rng, n: np.append(rng.random(n - 1), 1e6),
    "all the same": lambda rng, n: np.full(n, 0.25),
}


@pytest.mark.parametrize("case", MANY)
def test_of_many_rows_the_interval_is_that_of_the_draws(
    case: str, rng: np.random.Generator
) -> None:
    """Held against draws made one by one, as a loop."""
    values = MANY[case](rng, intervals.MANY + 1)
    own = np.random.default_rng(5)
    draws = [values[own.integers(values.size, size=values.size)].mean() for _ in range(4000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    found = mean_interval(values, draws=4000)
    # of 4000 draws each end scatters by about 1.6 % of the width, in both: 5 sigma; and a count
    # of few ones moves by whole ones
    width = max(high - low, 1e-12)
    few = 1 / values.size if case == "three of many" else 0
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=0.11 * width + few)
    assert found.mean == values.mean()
