"""Correlation of maps, by their values and by their ranks."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ..given import pair_of, share


def pearson(a: Array, b: Array) -> Array:
    """r = cov(a, b) / (sd a sd b) over the cells of each map.

    Args:
        a: [N, *S].
        b: [N, *S].

    Returns:
        Float64 [N] in [-1, 1]; NaN where one map is the same everywhere.
    """
    a, b = (x.reshape(len(x), -1) for x in pair_of(a, b))
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    # What is left of equal numbers is rounding.
    a, b = (np.where(np.ptp(x, axis=1, keepdims=True) > 0, x, 0.0) for x in (a, b))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.clip(share(np.sum(a * b, axis=1), lengths), -1, 1)


def spearman(a: Array, b: Array) -> Array:
    """Pearson's r of the ranks, equal cells at the mean of theirs (Spearman 1904).

    Args:
        a: [N, *S].
        b: [N, *S].

    Returns:
        Float64 [N] in [-1, 1]; NaN where one map is the same everywhere.
    """
    from scipy.stats import rankdata

    a, b = (rankdata(x.reshape(len(x), -1), axis=1) for x in pair_of(a, b))
    return pearson(a, b)
