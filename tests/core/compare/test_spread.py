"""Statistics of photos, against NumPy and against draws written as a loop."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.compare.spread import Statistic, median_interval
from cam_core.errors import InputError
from cam_core.metrics.intervals import MANY

VALUES = [0.9, float("nan"), 0.2, 0.7, 0.95]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("median", 0.8),
        ("mean", 0.6875),
        ("min", 0.2),
        ("max", 0.95),
        ("p05", np.percentile([0.2, 0.7, 0.9, 0.95], 5)),
        ("p90", np.percentile([0.2, 0.7, 0.9, 0.95], 90)),
    ],
)
def test_a_statistic(name: str, expected: float) -> None:
    assert Statistic(name)(VALUES) == pytest.approx(expected)
    assert np.isnan(Statistic(name)([float("nan")]))


def test_no_such_statistic() -> None:
    with pytest.raises(InputError, match="no statistic 'mode'"):
        Statistic("mode")(VALUES)


def test_the_interval_is_that_of_medians_drawn_again() -> None:
    known = np.random.default_rng(0).permutation(15) / 100
    found = median_interval([*known, np.nan])
    rng = np.random.default_rng(9)
    drawn = [np.median(rng.choice(known, 15)) for _ in range(20_000)]
    assert (found.mean, found.rows, found.left_out) == (np.median(known), 15, 1)
    # a median is one of these 15 numbers: other draws may give the next one, 0.01 away
    assert found.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.0101)
    assert found.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.0101)


def test_no_number_has_no_median() -> None:
    with pytest.raises(InputError, match="nothing to take a median of"):
        median_interval([float("nan")])


def test_of_many_rows_the_interval_is_that_of_the_draws() -> None:
    """Held against medians of draws made one by one."""
    rng = np.random.default_rng(4)
    values = rng.gamma(2, size=MANY + 2)
    draws = [np.median(values[rng.integers(values.size, size=values.size)]) for _ in range(2000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    found = median_interval(values)
    assert found.mean == np.median(values)
    assert found.rows == values.size
    # each end of 2000 draws scatters by 2.4 % of the width: 5 sigma
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=0.12 * (high - low))
    few = np.repeat([0.0, 1.0], [MANY, 3])
    assert (median_interval(few).low, median_interval(few).high) == (0, 0)
