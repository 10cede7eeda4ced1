"""Neighbours that are alike: how far, and what a log of frames does to the rate of false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from cam_core.maps.stats import STATS
from cam_core.monitor import Rows, monitor
from cam_core.monitor.sequence import apart, autocorrelation, correlation_time, without_class_means

AGAIN = 0.9


def frames(count: int, seed: int, again: float = AGAIN) -> Any:
    """AR(1): x_i = again x_(i - 1) + noise, of variance 1, [count, 8]."""
    rng = np.random.default_rng(seed)
    found = np.empty((count, len(STATS)))
    found[0] = rng.normal(size=len(STATS))
    for i in range(1, count):
        noise = rng.normal(size=len(STATS))
        found[i] = again * found[i - 1] + np.sqrt(1 - again**2) * noise
    return found


def log(values: Any) -> Rows:
    return Rows("log", tuple(STATS), values)


def test_autocorrelation_is_its_sum() -> None:
    x = np.random.default_rng(1).normal(size=21).cumsum()
    centred = x - x.mean()
    expected = [(centred[: 21 - k] * centred[k:]).sum() / (centred**2).sum() for k in range(11)]
    np.testing.assert_allclose(autocorrelation(x), expected, rtol=1e-10)
    assert autocorrelation(np.ones(5)).tolist() == [1]


def test_the_time_of_an_ar1_is_known() -> None:
    """(1 + a) / (1 - a); a fifth is the scatter of so many rows."""
    times = [correlation_time(column) for column in frames(20_000, 3).T]
    assert np.mean(times) == pytest.approx((1 + AGAIN) / (1 - AGAIN), rel=0.2)


def test_rows_drawn_anew_are_not_alike() -> None:
    logs = [np.random.default_rng(i).normal(size=(200, 8)) for i in range(50)]
    assert {apart(values) for values in logs} == {1}


def test_a_log_in_order_of_class_is_well() -> None:
    strata = np.repeat([0, 1, 2], 100)
    values = np.random.default_rng(2).normal(size=(300, 8)) + 5 * strata[:, None]
    assert apart(values) > 1
    assert apart(without_class_means(values, strata)) == 1


def test_frames_call_alarm_too_often_and_every_mends_it() -> None:
    """40 logs of one population at 0.05: 99.9 % of honest tests have 7 alarms or fewer."""
    baseline = log(np.random.default_rng(9).normal(size=(400, 8)))
    logs = [log(frames(1500, 20 + i)) for i in range(40)]
    plain = [monitor(one, baseline, alpha=0.05) for one in logs]
    apart_ = [monitor(one, baseline, alpha=0.05, every=plain[0].alike) for one in logs]
    most = binom.interval(0.999, 40, 0.05)[1]
    assert sum(bool(one.alarm) for one in plain) > 2 * most
    assert sum(bool(one.alarm) for one in apart_) <= most
