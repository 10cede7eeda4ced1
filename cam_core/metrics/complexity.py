"""How many cells a map needs: of one map alone, whatever it is about."""

from __future__ import annotations

import numpy as np

from ..backend import Array
from .given import as_heatmaps, as_maps, share


def complexity(maps: Array) -> Array:
    """mean of L (Poppi et al. 2021, ADCC): 0 of an empty map, 1 where all of it is lit.

    Args:
        maps: [N, *S] in [0, 1].

    Returns:
        Float64 [N].
    """
    maps = as_heatmaps(maps)
    found: Array = maps.mean(axis=_space(maps))
    return found


def entropy(maps: Array) -> Array:
    """-sum of p ln p with p = |L| / sum |L| (Bhatt et al. 2020, as "complexity").

    Args:
        maps: [N, *S].

    Returns:
        Float64 [N] from 0 (one cell) to ln of the number of cells; NaN of a map without heat.
    """
    sizes = np.abs(as_maps(maps))
    p = share(sizes, sizes.sum(axis=_space(sizes), keepdims=True))
    found: Array = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=_space(sizes))
    return found + 0.0  # no -0


def sparseness(maps: Array) -> Array:
    """Gini index of |L| (Chalasani et al. 2020): 0 where all cells are equal.

    sum of (2 i - n - 1) v_i / (n sum of v), v_i the i-th smallest of n values.

    Args:
        maps: [N, *S].

    Returns:
        Float64 [N] from 0 to 1 - 1 / n; NaN of a map without heat.
    """
    values = np.sort(np.abs(as_maps(maps)).reshape(len(maps), -1), axis=1)
    n = values.shape[1]
    return share(values @ (2.0 * np.arange(1, n + 1) - n - 1), n * values.sum(axis=1))


def _space(maps: Array) -> tuple[int, ...]:
    return tuple(range(1, maps.ndim))
