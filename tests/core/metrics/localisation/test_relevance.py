"""Relevance mass and rank by loops, and against values that others publish."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.localisation import pointing_game, relevance_mass, relevance_rank

Array = np.ndarray


def block(*slices: slice, size: int = 224) -> Array:
    """1 inside, 0 outside, one row."""
    found = np.zeros((1, *[size] * len(slices)))
    found[(0, *slices)] = 1
    return found


# Quantus 0.6.0, tests/metrics/test_localisation_metrics.py: (map, mask, mass).
QUANTUS = {
    "all, 1-D": (block(slice(50, 150)), block(slice(50, 150)), 1.0),
    "none, 1-D": (block(slice(100, 200)), block(slice(100)), 0.0),
    "half, 1-D": (block(slice(100)), block(slice(50, 100)), 0.5),
    "all, 2-D": (block(slice(50, 150), slice(50, 150)), block(slice(50, 150), slice(50, 150)), 1.0),
    "none, 2-D": (block(slice(100, 200), slice(100, 200)), block(slice(100), slice(100)), 0.0),
    "half, 2-D": (block(slice(100), slice(75, 100)), block(slice(50, 100), slice(50, 100)), 0.5),
}


@pytest.mark.parametrize("name", QUANTUS)
def test_quantus_values(name: str) -> None:
    heat, mask, mass = QUANTUS[name]
    assert relevance_mass(heat, mask).tolist() == [mass]


def test_quantus_points_into_its_box() -> None:
    """The box 50:150 of its pointing game, with noise of up to a tenth around it."""
    heat = np.random.default_rng(0).uniform(0, 0.1, (1, 224, 224))
    heat[:, 50:150, 50:150] = 1
    assert pointing_game(heat, [[(50, 50, 150, 150)]]).tolist() == [1.0]
    assert relevance_rank(heat, block(slice(50, 150), slice(50, 150))).tolist() == [1.0]


@pytest.mark.parametrize("space", [(20,), (4, 6), (2, 3, 5)], ids=str)
def test_mass_and_rank_by_loops(space: tuple[int, ...], rng: np.random.Generator) -> None:
    maps, masks = rng.random((6, *space)), rng.random((6, *space)) > 0.6
    for row in range(6):
        cells = list(zip(maps[row].ravel().tolist(), masks[row].ravel().tolist(), strict=True))
        mass = sum(v for v, on in cells if on) / sum(v for v, _ in cells)
        count = sum(on for _, on in cells)
        rank = sum(on for _, on in sorted(cells, reverse=True)[:count]) / count
        one = slice(row, row + 1)
        assert relevance_mass(maps[one], masks[one])[0] == pytest.approx(mass, rel=1e-12)
        assert relevance_rank(maps[one], masks[one])[0] == pytest.approx(rank, rel=1e-12)


def test_equal_cells_count_as_a_draw_among_them(rng: np.random.Generator) -> None:
    """The mean over many orders of equal cells."""
    heat = np.array([[3, 2, 2, 2, 2, 1, 0, 0.0]])
    mask = np.array([[1, 1, 0, 0, 1, 0, 0, 0]], bool)
    drawn = []
    for _ in range(4000):
        order = np.lexsort((rng.random(8), -heat[0]))
        drawn.append(mask[0][order[:3]].mean())
    assert relevance_rank(heat, mask)[0] == pytest.approx(2 / 3)
    assert np.mean(drawn) == pytest.approx(2 / 3, abs=0.02)  # four standard errors


def test_without_heat_there_is_no_share() -> None:
    blank, mask = np.zeros((1, 4)), np.ones((1, 4))
    assert math.isnan(relevance_mass(blank, mask)[0])
    assert math.isnan(relevance_rank(blank, mask)[0])


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="bring both to one"):
        relevance_mass(np.ones((1, 4)), np.ones((1, 5)))
    with pytest.raises(InputError, match="mask of map 1 is empty"):
        relevance_rank(np.ones((2, 2)), np.array([[1, 0], [0, 0]]))
