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
    return pearson(*(ranks(x.reshape(len(x), -1)) for x in pair_of(a, b)))


def ranks(x: Array) -> Array:
    """The rank of each number in its row, float64 [N, M] from 1 to M; equal ones share their mean.

    A row with NaN has none. As `scipy.stats.rankdata`, whose import takes longer than many a map.
    """
    order = np.argsort(x, axis=1)
    found = np.take_along_axis(x, order, axis=1)
    place = np.arange(x.shape[1])
    apart = found[:, 1:] != found[:, :-1]  # from the one before
    edge = np.ones((len(x), 1), bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, apart]), place, 0), axis=1)
    last = np.where(np.hstack([apart, edge]), place, x.shape[1])
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=1)
    found[np.isnan(x).any(axis=1)] = np.nan
    return found


def _centred(x: Array) -> Array:
    """Each row less its mean, in units of its largest: no square overflows, or vanishes."""
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    x = share(x, np.maximum(-low, high))
    even = np.broadcast_to(low == high, x.shape)
    return np.where(even, 0.0, x - x.mean(axis=1, keepdims=True))
