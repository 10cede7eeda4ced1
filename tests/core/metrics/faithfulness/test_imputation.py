"""Imputation: each filled cell is the mean of its neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import impute

Array = np.ndarray


def neighbours_mean(x: Array, i: int, j: int) -> Array:
    """1/6 for those beside, 1/12 for those across, over what lies in the picture."""
    total, weights = np.zeros(len(x)), 0.0
    for a in (-1, 0, 1):
        for b in (-1, 0, 1):
            if (a or b) and 0 <= i + a < x.shape[1] and 0 <= j + b < x.shape[2]:
                weight = 1 / 6 if a == 0 or b == 0 else 1 / 12
                total, weights = total + weight * x[:, i + a, j + b], weights + weight
    return total / weights


@pytest.mark.parametrize("part", [0.1, 0.6, 0.95])
def test_every_filled_cell_is_the_mean_of_its_neighbours(
    part: float, rng: np.random.Generator
) -> None:
    x, missing = rng.normal(size=(3, 7, 9)), rng.random((7, 9)) < part
    before = x.copy()
    found = impute(x, missing, noise=0)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(found[:, ~missing], x[:, ~missing])
    for i, j in np.argwhere(missing):
        np.testing.assert_allclose(found[:, i, j], neighbours_mean(found, i, j), atol=1e-12)


def test_a_slope_is_continued() -> None:
    """A plane is the mean of its neighbours away from the edges."""
    x = np.add.outer(np.arange(8.0), 2 * np.arange(8.0))[None]
    missing = np.zeros((8, 8), bool)
    missing[2:6, 3:7] = True
    np.testing.assert_allclose(impute(x, missing, noise=0), x, atol=1e-12)


def test_noise_is_seeded_and_of_its_size(rng: np.random.Generator) -> None:
    x, missing = rng.normal(size=(3, 40, 40)), rng.random((40, 40)) < 0.5
    still, noisy = impute(x, missing, noise=0), impute(x, missing, noise=0.05)
    off = (noisy - still)[:, missing]
    assert off.std() == pytest.approx(0.05, rel=0.1)  # of 2400 draws: three standard errors are 4 %
    np.testing.assert_array_equal(noisy, impute(x, missing, noise=0.05))
    other = impute(x, missing, noise=0.05, rng=np.random.default_rng(9))
    assert not np.array_equal(noisy, other)


def test_nothing_missing_and_all_missing() -> None:
    x = np.ones((1, 2, 2))
    np.testing.assert_array_equal(impute(x, np.zeros((2, 2), bool)), x)
    with pytest.raises(InputError, match="every cell is missing"):
        impute(x, np.ones((2, 2), bool))
    with pytest.raises(InputError, match="of pictures"):
        impute(x, np.ones((3, 2), bool))
