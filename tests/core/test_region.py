"""What of an input a map covers: heat lies there, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.maps.combine import heatmap, interpolation_matrix, resize
from cam_core.region import Region


def by_loops(values: Any, size: int, window: tuple[float, float]) -> Any:
    """Linear between the centres of cells that tile a window; nothing outside it."""
    low, high = window
    out = np.zeros(size)
    centres = low + (np.arange(len(values)) + 0.5) * (high - low) / len(values)
    for i in range(size):
        at = (i + 0.5) / size
        if low <= at <= high:
            out[i] = np.interp(at, centres, values)
    return out


@pytest.mark.parametrize("window", [(0, 1), (0.25, 0.75), (-0.25, 1.25), (0.5, 1.0), (0.1, 0.35)])
@pytest.mark.parametrize(("cells", "size"), [(4, 32), (7, 10), (5, 5)])
def test_a_row_over_its_window(window: tuple[float, float], cells: int, size: int) -> None:
    values = np.random.default_rng(0).random(cells)
    matrix = interpolation_matrix(cells, size, np.float64, window)
    np.testing.assert_allclose(matrix @ values, by_loops(values, size, window), atol=1e-12)


def test_a_map_over_its_windows() -> None:
    maps = np.ones((2, 4, 4), np.float32)
    found = resize(maps, (8, 8), [(0.5, 1.0), (0.0, 0.5)])
    expected = np.zeros((8, 8))
    expected[4:, :4] = 1
    np.testing.assert_array_equal(found, np.stack([expected] * 2))
    lit = np.zeros((1, 2, 2), np.float32)
    lit[0, 0, 1] = 1
    heat = heatmap(lit, (8, 8), [(0.5, 1.0), (0.0, 0.5)])[0]
    assert np.unravel_index(heat.argmax(), heat.shape)[0] in (4, 5)
    assert heat[:4].max() == heat[:, 4:].max() == 0


def test_the_whole_of_an_input() -> None:
    assert Region("x", (2, 3), ((0, 1), (0, 1))).whole
    assert not Region("x", (2, 3), ((0, 1), (0.25, 1))).whole


def test_an_axis_that_is_laid_out_as_a_picture() -> None:
    region = Region("x", (1, 2), ((0, 1), (0, 1)), (1, 2), folded=((1, 4), (2, 6)))
    assert region.layout == "4 x 6"
    assert region.picture_of((24,)) == (4, 6)
    assert region.picture_of((4, 6)) == region.picture_of((23,)) == ()
    plain = Region("x", (1,), ((0, 1),), (1,))
    assert (plain.layout, plain.picture_of((24,))) == ("", ())


def test_cells_round_an_input_of_any_size() -> None:
    padded = Region("x", (2,), ((0, 1),), (1, 2), shifts=((-200, 200),))
    assert not padded.whole
    found = padded.at((3, 80, 1000))
    assert (found.windows, found.shifts, found.space) == (((-0.2, 1.2),), (), (1, 2))
    assert found.at((3, 80, 1000)) is found
