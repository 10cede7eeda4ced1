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
    a, b = (_centred(x.reshape(len(x), -1)) for x in pair_of(a, b))
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


def _centred(x: Array) -> Array:
    """Each row less its mean, in units of its largest: no square overflows, or vanishes."""
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    x = share(x, np.maximum(-low, high))
    even = np.broadcast_to(low == high, x.shape)
    return np.where(even, 0.0, x - x.mean(axis=1, keepdims=True))
