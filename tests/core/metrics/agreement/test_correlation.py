"""Correlations against numpy's and scipy's own, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.agreement import pearson, spearman
from cam_core.metrics.agreement.correlation import ranks


@pytest.mark.parametrize("space", [(9,), (4, 5), (2, 3, 4)], ids=str)
def test_values_of_numpy_and_scipy(space: tuple[int, ...], rng: np.random.Generator) -> None:
    from scipy.stats import spearmanr

    a = rng.normal(size=(4, *space))
    b = np.round(a + rng.normal(size=a.shape), 1)  # with equal cells
    for row in range(4):
        flat = a[row].ravel(), b[row].ravel()
        assert pearson(a, b)[row] == pytest.approx(np.corrcoef(*flat)[0, 1])
        assert spearman(a, b)[row] == pytest.approx(spearmanr(*flat).statistic)


def test_ranks_ignore_how_values_are_bent(rng: np.random.Generator) -> None:
    a = rng.random((1, 30))
    assert spearman(a, np.exp(5 * a))[0] == pytest.approx(1)
    assert spearman(a, -a)[0] == pytest.approx(-1)
    assert pearson(a, np.exp(5 * a))[0] < 0.95


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1e300])
def test_the_size_of_a_map_does_not_count(size: float, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 1, 30))
    assert pearson(size * a, b)[0] == pytest.approx(pearson(a, b)[0])
    assert spearman(size * a, b)[0] == pytest.approx(spearman(a, b)[0])


def test_equal_cells_have_the_mean_of_their_ranks() -> None:
    """Ranks 1.5, 1.5, 3 and 1, 2, 3: r = 1.5 / sqrt(1.5 * 2)."""
    found = spearman(np.array([[0.0, 0.0, 5.0]]), np.array([[1.0, 2.0, 3.0]]))
    assert found[0] == pytest.approx(1.5 / math.sqrt(3))


def test_ranks_are_scipys(rng: np.random.Generator) -> None:
    from scipy.stats import rankdata

    x = rng.integers(0, 5, (50, 9)) * 1.0
    x[1], x[2, 3], x[3, :4], x[4, 1] = 0, np.inf, -np.inf, np.nan
    x[5] = np.where(x[5] == 0, -0.0, x[5])
    given = x.copy()
    np.testing.assert_array_equal(ranks(x), rankdata(x, axis=1))
    np.testing.assert_array_equal(x, given)
    for x in (rng.random((3, 40)), np.ones((2, 1))):
        np.testing.assert_array_equal(ranks(x), rankdata(x, axis=1))


def test_a_map_that_is_even_has_no_correlation(rng: np.random.Generator) -> None:
    a = rng.random((1, 30))
    for even in (np.zeros((1, 30)), np.full((1, 30), 0.1)):  # the mean of 0.1 is not 0.1
        assert math.isnan(pearson(a, even)[0])
        assert math.isnan(spearman(even, a)[0])


def test_two_sizes_are_not_compared() -> None:
    with pytest.raises(InputError, match="bring both to one size"):
        pearson(np.ones((1, 7, 7)), np.ones((1, 14, 14)))
