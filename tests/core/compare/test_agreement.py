"""Measures of two maps, against scipy and formulas written as loops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from cam_core.compare.agreement import MEASURES, agreement, gain, same_size
from cam_core.errors import ModelError


def pair(seed: int = 0, shape: tuple[int, ...] = (3, 7, 9)) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=shape)
    return a, a + rng.normal(size=shape)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_correlations_are_those_of_scipy() -> None:
    a, b = pair()
    found = agreement(a, b)
    close(found["pearson"], [pearsonr(x.ravel(), y.ravel())[0] for x, y in zip(a, b, strict=True)])
    ranks = [spearmanr(x.ravel(), y.ravel())[0] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found["spearman"], ranks, atol=1e-3)  # cells of 1e-5 may tie


def test_rounding_noise_does_not_order_cells_of_nothing() -> None:
    a = np.zeros((1, 6, 6))
    a[0, 2, 3], a[0, 4, 4] = 5.0, 2.0
    noise = np.random.default_rng(1).normal(size=a.shape) * 1e-9
    assert agreement(a, a + noise)["spearman"][0] == pytest.approx(1.0)
    assert spearmanr(a.ravel(), (a + noise).ravel())[0] < 0.5


def test_structure_is_the_formula_window_by_window() -> None:
    a, b = pair(2, (1, 8, 9))
    x, y = ((m[0] - m.min()) / (m.max() - m.min()) for m in (a, b))
    found = []
    for i, j in itertools.product(range(2), range(3)):
        p, q = x[i : i + 7, j : j + 7], y[i : i + 7, j : j + 7]
        cov = ((p - p.mean()) * (q - q.mean())).sum() / 48
        top = (2 * p.mean() * q.mean() + 1e-4) * (2 * cov + 9e-4)
        low = (p.mean() ** 2 + q.mean() ** 2 + 1e-4) * (p.var(ddof=1) + q.var(ddof=1) + 9e-4)
        found.append(top / low)
    close(agreement(a, b)["ssim"], [np.mean(found)])


def test_overlap_of_the_hottest_cells_one_by_one() -> None:
    a, b = pair(3)
    k = round(0.15 * 63)
    expected = []
    for x, y in zip(a.reshape(3, -1), b.reshape(3, -1), strict=True):
        hot, other = set(np.argsort(-x)[:k]), set(np.argsort(-y)[:k])
        expected.append(len(hot & other) / len(hot | other))
    close(agreement(a, b)["iou"], expected)


def test_shifts_are_distances_of_places() -> None:
    a, b = pair(4)

    def centre(m: Any) -> Any:
        total, at = 0.0, np.zeros(2)
        for i, j in itertools.product(range(7), range(9)):
            heat = max(m[i, j], 0)
            total, at = total + heat, at + heat * np.array([(i + 0.5) / 7, (j + 0.5) / 9])
        return at / total

    pairs = list(zip(a, b, strict=True))
    found = agreement(a, b)
    close(found["centre"], [np.linalg.norm(centre(y) - centre(x)) for x, y in pairs])
    peaks = [[divmod(int(m.argmax()), 9) for m in one] for one in pairs]
    close(found["peak"], [np.hypot((q[0] - p[0]) / 7, (q[1] - p[1]) / 9) for p, q in peaks])


def test_a_planted_shift_is_measured() -> None:
    a = np.zeros((1, 10, 10))
    a[0, 2, 2] = 1
    found = agreement(a, np.roll(a, 3, axis=2))
    assert (found["centre"][0], found["peak"][0]) == pytest.approx((0.3, 0.3))
    assert found["iou"][0] < 1


def test_the_same_map_agrees_at_any_scale_and_the_gain_says_it() -> None:
    a, _ = pair(5)
    found = agreement(a, 2 * a)
    for name, measure in MEASURES.items():
        close(found[name], np.full(3, 1.0 if measure.better == "higher" else 0.0))
    close(gain(a, 2 * a), [2, 2, 2])


def test_a_map_of_nothing_or_of_nan_has_no_number() -> None:
    a, b = pair(6)
    a[0], b[1, 0, 0] = 0, np.nan
    for values in agreement(a, b).values():
        assert list(np.isnan(values)) == [True, True, False]
    assert list(np.isnan(gain(a, np.where(np.isnan(b), 1, b)))) == [True, False, False]


def test_the_coarser_is_brought_to_the_finer() -> None:
    ramp = np.arange(4.0)[None, :, None] * np.ones((1, 1, 4))
    fine = np.arange(8.0)[None, :, None] * np.ones((1, 1, 8))
    a, b = same_size(ramp, fine)
    assert a.shape == b.shape == (1, 8, 8)
    assert agreement(ramp, fine)["pearson"][0] > 0.98
    # between centres linear interpolation of a ramp is the ramp: place p of 8 is p / 2 - 1 / 4
    close(a[0, 1:-1, 0], (np.arange(1, 7) + 0.5) / 2 - 0.5)


def test_a_line_is_no_picture() -> None:
    with pytest.raises(ModelError, match="no common picture"):
        agreement(np.zeros((1, 4)), np.zeros((1, 4, 4)))


def test_small_maps_have_no_structure_but_the_rest() -> None:
    a, b = pair(7, (2, 2, 2))
    found = agreement(a, b)
    assert np.isnan(found["ssim"]).all()
    assert not np.isnan(found["pearson"]).any()
