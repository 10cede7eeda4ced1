"""ROAD against pytorch-grad-cam's numbers, and cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import impute, road
from cam_core.metrics.faithfulness.road import replaced_cells
from cam_core.metrics.scoring import Counted
from tests.core.metrics.peer import MAP, X, score

Array = np.ndarray
# pytorch-grad-cam 1.5.7 in float32, the noise set to 0: ROADMostRelevantFirst and
# ROADLeastRelevantFirst, their averages, and ROADCombined.
BY_PERCENTILE = {
    20: (0.15152353, 0.12580675),
    50: (0.08736539, -0.02218658),
    90: (0.04585415, -0.04325008),
}
MOST, LEAST, COMBINED = 0.0631053, 0.02157421, -0.02076554
IMPUTED_AT_50 = [0.425492, 0.362373, 0.403939, 0.394436, 0.395824, 0.31828, 0.356641]
"""The first cells of the first channel that its NoisyLinearImputer fills, row by row."""


@pytest.mark.parametrize("percentile", BY_PERCENTILE)
def test_pytorch_grad_cam_values_at_a_percentile(percentile: int) -> None:
    found = road(X, MAP, score, percentiles=[percentile], noise=0)
    expected = BY_PERCENTILE[percentile]
    np.testing.assert_allclose([found.most_first[0], found.least_first[0]], expected, atol=1e-6)


def test_pytorch_grad_cam_averages() -> None:
    found = road(X, MAP, score, noise=0)
    np.testing.assert_allclose(found.most_first, [MOST], atol=1e-6)
    np.testing.assert_allclose(found.least_first, [LEAST], atol=1e-6)
    np.testing.assert_allclose(found.combined, [COMBINED], atol=1e-6)


def test_pytorch_grad_cam_imputes_the_same() -> None:
    missing = np.percentile(MAP, 50) <= MAP[0]
    found = impute(X[0], missing, noise=0)[0][missing]
    np.testing.assert_allclose(found[: len(IMPUTED_AT_50)], IMPUTED_AT_50, atol=1e-6)


@pytest.mark.parametrize("cells", [20, 49, 196])
def test_as_many_cells_as_numpys_percentile_says(cells: int) -> None:
    """Of values that are all different."""
    values = np.random.default_rng(0).permutation(cells) / cells
    for percentile in (5, 10, 25, 50, 75, 90, 99):
        expected = int((values >= np.percentile(values, percentile)).sum())
        assert replaced_cells(cells, percentile) == expected


@pytest.mark.parametrize("channels_last", [False, True])
def test_road_by_loops(channels_last: bool, rng: np.random.Generator) -> None:
    x, maps = rng.random((2, 2, 4, 5)), rng.normal(size=(2, 4, 5))
    given = np.moveaxis(x, 1, -1) if channels_last else x

    def scored(batch: Array) -> Array:
        return score(np.moveaxis(batch, -1, 1) if channels_last else batch)

    counted = Counted(scored)
    axis = -1 if channels_last else 1
    found = road(given, maps, counted, percentiles=(40, 80), channel_axis=axis, batch=3)
    assert counted.rows == 2 * 5
    np.testing.assert_allclose(found.plain, score(x))
    for row in range(2):
        by_heat = sorted(np.ndindex(4, 5), key=lambda at: -maps[(row, *at)])
        for p, percentile in enumerate((40, 80)):
            count = sum(maps[row].ravel() >= np.percentile(maps[row], percentile))
            for scores, cells in ((found.morf, by_heat), (found.lerf, by_heat[::-1])):
                gone = np.zeros((4, 5), bool)
                gone[tuple(np.array(cells[:count]).T)] = True
                changed = impute(x[row], gone)  # by its own test
                assert scores[row, p] == pytest.approx(score(changed[None])[0])


def test_a_map_that_is_mostly_zero_loses_no_more_than_was_asked() -> None:
    """pytorch-grad-cam takes all of it: no cell is below the 10th percentile."""
    heat = np.zeros_like(MAP)
    heat[0, 1, 2] = 1
    found = road(X, heat, score, percentiles=[10, 90])
    assert np.isfinite(found.morf).all()
    assert not np.array_equal(found.morf[:, 0], found.morf[:, 1])


@pytest.mark.parametrize("percentiles", [[0], [100], []])
def test_percentiles_are_refused(percentiles: list[float]) -> None:
    with pytest.raises(InputError, match="between 0 and 100"):
        road(X, MAP, score, percentiles=percentiles)
