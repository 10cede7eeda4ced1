"""The rate of false alarms, on logs drawn from a baseline; and that a shift is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from cam_core.errors import InputError
from cam_core.monitor import monitor, rehearse
from tests.core.monitor.logged import rows

LOGS = 300


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_false_alarms_are_as_many_as_said(alpha: float, drawn: np.ndarray) -> None:  # type: ignore[type-arg]
    """Within the interval of a fair coin of that rate that holds 99.9 % of all draws."""
    low, high = binom.interval(0.999, LOGS, alpha)
    assert low <= (drawn <= alpha).sum() <= high


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:  # type: ignore[type-arg]
    return rehearse(rows(500, 3), 120, LOGS, alpha=0.05)


def test_logs_of_the_same_population_are_no_shift() -> None:
    """Not parts of one baseline, but drawn anew: 100 at 0.05, of which 99.9 % have up to 13."""
    baseline = rows(400, 50)
    alarms = [bool(monitor(rows(100, 60 + i), baseline, alpha=0.05).alarm) for i in range(100)]
    assert sum(alarms) <= binom.interval(0.999, 100, 0.05)[1]


def test_another_mix_is_called_a_shift_no_more_often() -> None:
    """Two of a population, the classes drawn otherwise: 150 logs at 0.05, within 99.9 %."""
    found = [
        monitor(rows(120, 500 + i, (0.1, 0.2, 0.7)), rows(250, 900 + i), alpha=0.05, seed=i)
        for i in range(150)
    ]
    low, high = binom.interval(0.999, 150, 0.05)
    assert low <= sum(bool(one.alarm) for one in found) <= high
    assert sum(one.remixed for one in found) > 140


def test_a_shift_is_seen() -> None:
    """Three in ten rows of 150 lie elsewhere: nineteen of twenty logs call alarm at 0.05."""
    baseline, seen = rows(500, 3), 0
    for i in range(20):
        log = rows(150, 100 + i, centre_x=lambda x: np.where(np.arange(len(x)) % 10 < 3, 9.0, x))
        found = monitor(log, baseline, alpha=0.05)
        seen += bool(found.alarm) and found.moved[0] == "centre_x"
    assert seen >= 19


def test_a_log_as_large_as_the_baseline_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="40 rows cannot be drawn from 40"):
        rehearse(rows(40, 1), 40)
