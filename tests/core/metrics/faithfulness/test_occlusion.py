"""Occlusion patch by patch, and maps whose correlation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import occlusion
from cam_core.metrics.faithfulness.occlusion import places, starts
from cam_core.metrics.scoring import Counted
from tests.core.metrics.peer import score, total

Array = np.ndarray


@pytest.mark.parametrize("channels_last", [False, True])
def test_drops_by_loops(channels_last: bool, rng: np.random.Generator) -> None:
    x = rng.random((2, 2, 4, 5))
    given = np.moveaxis(x, 1, -1) if channels_last else x

    def scored(batch: Array) -> Array:
        return score(np.moveaxis(batch, -1, 1) if channels_last else batch)

    counted = Counted(scored)
    axis = -1 if channels_last else 1
    found = occlusion(given, counted, patch=2, stride=2, fill=0.4, channel_axis=axis)
    assert found.drops.shape == (2, 2, 3)
    assert counted.rows == 2 * 7
    for row in range(2):
        for a, i in enumerate((0, 2)):
            for b, j in enumerate((0, 2, 3)):  # the last one ends with the picture
                covered = x[row].copy()
                covered[:, i : i + 2, j : j + 2] = 0.4
                drop = score(x[row : row + 1])[0] - score(covered[None])[0]
                assert found.drops[row, a, b] == pytest.approx(drop, rel=1e-9)


@pytest.mark.parametrize("space", [(16,), (8, 12), (4, 4, 6)], ids=str)
def test_a_perfect_and_the_worst_map_correlate(
    space: tuple[int, ...], rng: np.random.Generator
) -> None:
    """Of a sum, what a cell adds is the cell itself: as in xplique's tests, 1 and -1."""
    x = rng.normal(size=(2, 1, *space))
    found = occlusion(x, total, patch=2)
    np.testing.assert_allclose(found.correlation(x[:, 0]), 1)
    np.testing.assert_allclose(found.correlation(-x[:, 0]), -1)


def test_the_correlation_is_that_of_patch_means(rng: np.random.Generator) -> None:
    from scipy.stats import spearmanr

    x, maps = rng.random((2, 2, 4, 5)), rng.random((2, 4, 5))
    found = occlusion(x, score, patch=2, stride=1)
    for row in range(2):
        means = [maps[row, i : i + 2, j : j + 2].mean() for i in range(3) for j in range(4)]
        expected = spearmanr(found.drops[row].ravel(), means).statistic
        assert found.correlation(maps)[row] == pytest.approx(expected)


def test_patches_tile_an_eighth_of_the_shorter_side(rng: np.random.Generator) -> None:
    found = occlusion(rng.random((1, 1, 24, 40)), total)
    assert (found.patch, found.stride, found.drops.shape) == (3, 3, (1, 8, 14))
    assert starts(40, 3, 3)[-2:] == [36, 37]
    covered = np.zeros((24, 40), bool)
    for at in places((24, 40), 3, 3):
        covered[at] = True
    assert covered.all()


def test_an_even_map_correlates_with_nothing(rng: np.random.Generator) -> None:
    found = occlusion(rng.random((1, 1, 4, 4)), total, patch=2)
    assert math.isnan(found.correlation(np.zeros((1, 4, 4)))[0])


def test_what_is_refused(rng: np.random.Generator) -> None:
    x = rng.random((1, 1, 4, 4))
    with pytest.raises(InputError, match="patch of 5 each 5 cells does not fit"):
        occlusion(x, total, patch=5)
    with pytest.raises(InputError, match="do not lie over the input"):
        occlusion(x, total, patch=2).correlation(np.ones((1, 2, 2)))
