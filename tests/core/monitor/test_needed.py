"""The rows that are needed, against the critical distance itself."""

from __future__ import annotations

from math import inf, sqrt

import pytest
from scipy.stats import kstwobign

from cam_core.monitor.needed import SEEN, baseline_needed, rows_needed


@pytest.mark.parametrize("alpha", [0.01, 0.05])
@pytest.mark.parametrize("baseline", [50, 500, 100_000])
def test_so_many_see_a_third_and_fewer_do_not(alpha: float, baseline: int) -> None:
    critical = kstwobign.isf(alpha / 8)
    needed = rows_needed(baseline, alpha, 8)
    assert critical * sqrt(1 / needed + 1 / baseline) <= SEEN * 1.001  # the series' later terms
    assert critical * sqrt(1 / (needed - 1) + 1 / baseline) > SEEN * 0.999


def test_a_small_baseline_never_sees_it() -> None:
    assert rows_needed(20, 0.01, 8) == inf
    least = baseline_needed(0.01, 8)
    assert rows_needed(least, 0.01, 8) <= 2 * least + 1
