"""Complexity, entropy and sparseness by loops and by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.complexity import complexity, entropy, sparseness

SPACES = [(12,), (3, 5), (2, 3, 4)]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_all_by_loops(space: tuple[int, ...], rng: np.random.Generator) -> None:
    maps = rng.random((3, *space))
    maps[1].flat[:4] = 0
    for row in range(3):
        values = maps[row].ravel().tolist()
        n, total = len(values), sum(values)
        p = [v / total for v in values]
        gaps = sum(abs(a - b) for a, b in product(values, values))
        one = maps[row : row + 1]
        assert complexity(one)[0] == pytest.approx(total / n)
        assert entropy(one)[0] == pytest.approx(-sum(q * math.log(q) for q in p if q))
        # Gini's own definition: the mean difference of all pairs, over twice the mean.
        assert sparseness(one)[0] == pytest.approx(gaps / (2 * n * total))


def test_signed_maps_count_by_their_size() -> None:
    signed = np.array([[1.0, -2.0, 0.5]])
    assert entropy(signed) == entropy(np.abs(signed))
    assert sparseness(signed) == sparseness(np.abs(signed))


def test_ends_of_the_scales() -> None:
    one_cell, even, blank = np.eye(1, 8), np.ones((1, 8)), np.zeros((1, 8))
    assert entropy(one_cell)[0] == 0
    assert entropy(even)[0] == pytest.approx(math.log(8))
    assert sparseness(even)[0] == 0
    assert sparseness(one_cell)[0] == pytest.approx(7 / 8)
    assert [complexity(m)[0] for m in (blank, one_cell, even)] == [0, 1 / 8, 1]
    assert math.isnan(entropy(blank)[0])
    assert math.isnan(sparseness(blank)[0])


def test_a_map_that_is_no_heatmap_has_no_complexity() -> None:
    with pytest.raises(InputError, match="in \\[0, 1\\]"):
        complexity(np.full((1, 4), 3.0))
