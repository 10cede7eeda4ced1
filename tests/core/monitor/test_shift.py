"""The distance against its definition as loops, and the test against all deals there are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from cam_core.monitor.shift import Pool, draws_for, shift


def by_loops(a: Any, b: Any, weights: Any) -> float:
    """sup |F_a - F_b| at every value, each row of b by its weight."""
    return max(
        abs(np.mean(a <= v) - sum(w for x, w in zip(b, weights, strict=True) if x <= v))
        for v in [*a, *b]
    )


def pool(a: Any, b: Any, strata: Any = None) -> Pool:
    values = np.concatenate([a, b]).reshape(len(a) + len(b), -1).astype(float)
    parts = np.zeros(len(values), int) if strata is None else np.array(strata)
    return Pool(values, parts, len(a), np.unique(parts))


@pytest.mark.parametrize("ties", [False, True])
def test_a_distance_is_that_of_kolmogorov_and_smirnov(ties: bool) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(30, 3)), rng.normal(0.4, size=(50, 3))
    if ties:
        a, b = a.round(), b.round()
    one = pool(a, b)
    found = one.distances(one.own[None])[0]
    expected = [ks_2samp(a[:, j], b[:, j]).statistic for j in range(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_classes_are_mixed_as_in_the_log() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=40).round(1), rng.normal(size=60).round(1)
    strata = [0] * 30 + [1] * 10 + [0] * 15 + [1] * 45
    one = pool(a, b, strata)
    weights = [30 / (40 * 15)] * 15 + [10 / (40 * 45)] * 45
    assert one.distances(one.own[None])[0, 0] == pytest.approx(by_loops(a, b, weights), rel=1e-12)


def test_p_is_that_of_all_deals() -> None:
    """Of 4 and 5 rows there are 126 deals: the share of those as far apart, within 3 deviations."""
    a, b = np.array([0.1, 0.9, 1.5, 2.2]), np.array([0.3, 0.4, 0.5, 0.6, 1.0])
    every = np.concatenate([a, b])
    seen = ks_2samp(a, b).statistic
    far = []
    for chosen in combinations(range(9), 4):
        rest = [i for i in range(9) if i not in chosen]
        far.append(ks_2samp(every[list(chosen)], every[rest]).statistic >= seen - 1e-12)
    expected, draws = np.mean(far), 4999
    found = shift(pool(a, b), 0.05, draws).p[0]
    assert abs(found - expected) < 3 * np.sqrt(expected * (1 - expected) / draws)


def test_deals_stay_within_a_class() -> None:
    strata = np.array([0, 0, 1, 2, 0, 1, 1, 2, 2, 2])
    one = Pool(np.zeros((10, 1)), strata, 4, np.arange(3))
    dealt = one.dealt(50, np.random.default_rng(0))
    for stratum, count in ((0, 2), (1, 1), (2, 1)):
        assert (dealt[:, strata == stratum].sum(axis=1) == count).all()
    assert len(np.unique(dealt, axis=0)) > 10


def test_a_number_that_moved_is_told_from_those_that_did_not() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(200, 4)), rng.normal(size=(400, 4))
    a[:, 2] += 1
    found = shift(pool(a, b), 0.01, 999)
    assert (found.p <= 0.01).tolist() == [False, False, True, False]
    assert found.p[2] == 1 / 1000
    assert found.distances[2] > found.seen > np.delete(found.distances, 2).max()


def test_what_is_the_same_everywhere_says_nothing() -> None:
    found = shift(pool(np.ones((30, 2)), np.ones((40, 2))), 0.01, 99)
    assert found.p.tolist() == [1, 1]
    np.testing.assert_allclose(found.distances, 0, atol=1e-12)  # sums of 1/30 and 1/40


@pytest.mark.parametrize(("alpha", "draws"), [(0.01, 999), (0.05, 199), (0.001, 9999)])
def test_alpha_is_met_by_whole_deals(alpha: float, draws: int) -> None:
    assert draws_for(alpha) == draws
    assert alpha * (draws + 1) == pytest.approx(round(alpha * (draws + 1)))
