"""What columns hold of many numbers: by loops, and no event is lost."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.image.bins import extremes, hottest, means

EXTENTS = (1, 2, 7, 100, 959, 960, 961, 1900, 26_000)


def tiles(extent: int, count: int, column: int) -> range:
    """The numbers whose bin is this column, one by one."""
    return range(column * extent // count, (column + 1) * extent // count)


@pytest.mark.parametrize("extent", [12, 13, 64, 1000])
def test_extremes_are_those_of_each_bin(extent: int, rng: np.random.Generator) -> None:
    row = rng.normal(size=extent).astype(np.float32)
    low, high = extremes(row, 12)
    for column in range(12):
        held = [row[i] for i in tiles(extent, 12, column)]
        assert (low[column], high[column]) == (min(held), max(held))


@pytest.mark.parametrize("extent", [1, 2, 5, 11])
def test_few_numbers_are_joined_by_straight_lines(extent: int, rng: np.random.Generator) -> None:
    row = rng.normal(size=extent)
    low, high = extremes(row, 12)
    for column in range(12):
        line = [at(row, (column + part / 500) * extent / 12) for part in range(501)]
        assert low[column] == pytest.approx(min(line), abs=0.01)
        assert high[column] == pytest.approx(max(line), abs=0.01)


def at(row: Array, x: float) -> float:
    """The line through the samples' centres i + 0.5, held at both ends."""
    for i in range(len(row) - 1):
        if i + 0.5 <= x <= i + 1.5:
            return float(row[i] + (x - i - 0.5) * (row[i + 1] - row[i]))
    return float(row[0] if x < 0.5 else row[-1])


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_single_sample_is_in_its_column(extent: int) -> None:
    for event in {0, extent // 3, extent - 1}:
        row = np.zeros(extent, np.float32)
        row[event] = 2
        low, high = extremes(row, 960)
        assert high.max() == 2
        assert low.min() == (0 if extent > 1 else 2)
        away = np.abs(np.flatnonzero(high == 2) + 0.5 - (event + 0.5) * 960 / extent)
        assert away.min() <= 1
        assert away.max() <= 960 / extent + 1


@pytest.mark.parametrize(("extent", "most"), [(25, 7), (700, 150)])
@pytest.mark.parametrize("kind", ["float32", "uint8", "int16"])
def test_means_of_bins(kind: str, extent: int, most: int, rng: np.random.Generator) -> None:
    values = rng.integers(0, 100, (3, extent, 2)).astype(kind)
    found = means(values, most, 1)
    assert found.shape == (3, most, 2)
    for column in range(most):
        held = values[:, tiles(extent, most, column)].astype(float)
        np.testing.assert_allclose(found[:, column], held.sum(1) / held.shape[1], rtol=1e-6)
    np.testing.assert_array_equal(means(values, extent, 1), values)


@pytest.mark.parametrize("extent", EXTENTS)
def test_a_single_cell_is_hottest_where_it_is(extent: int) -> None:
    for event in {0, extent // 3, extent - 1}:
        cells = np.zeros(extent, np.float32)
        cells[event] = 0.75
        heat = hottest(cells, (960,))
        assert heat.shape == (960,)
        assert heat.max() == np.float32(0.75)  # whole, though it falls between two columns
        hot = np.flatnonzero(heat == heat.max()) + 0.5
        assert np.abs(hot - (event + 0.5) * 960 / extent).min() <= 1


def test_wide_cells_are_interpolated_along_each_axis(rng: np.random.Generator) -> None:
    cells = rng.uniform(size=(3, 4))
    found = hottest(cells, (60, 100))
    rows, columns = (
        np.maximum(0, 1 - np.abs(np.clip((np.arange(n) + 0.5) * k / n - 0.5, 0, k - 1)[:, None]
                                 - np.arange(k)))
        for n, k in ((60, 3), (100, 4))
    )  # fmt: skip
    np.testing.assert_allclose(found, rows @ cells @ columns.T, atol=0.03)  # half a pixel's slope
    assert found.max() == cells.max()


def test_one_axis_may_shrink_while_the_other_grows() -> None:
    cells = np.zeros((5, 4000))
    cells[3, 1234] = 1
    found = hottest(cells, (100, 50))
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert (y // 20, x) == (3, 1234 * 50 // 4000)
    assert found.max() == 1
