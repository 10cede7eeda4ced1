"""The principal direction of weighted maps: one map of many channels without their sum."""

from __future__ import annotations

import numpy as np

from ..backend import Array


def direction(X: Array) -> Array:
    """The first right singular vector of each matrix of X [N, S, K], of length 1 [N, K].

    Its sign is whatever the decomposition gives. A matrix with NaN or inf has a vector of NaN.
    """
    known = np.all(np.isfinite(X), axis=(1, 2), keepdims=True)
    double = np.where(known, X, 0.0).astype(np.float64)
    found = np.linalg.svd(double, full_matrices=False)[2][:, 0]
    return np.where(known[:, 0], found, np.nan)


def as_matrices(maps: Array) -> Array:
    """Maps [N, K, *S] as matrices [N, S, K], in double precision: a row a place."""
    flat = np.reshape(maps, (*maps.shape[:2], -1)).astype(np.float64)
    found: Array = np.swapaxes(flat, 1, 2)
    return found


def first_component(maps: Array) -> Array:
    """The first principal component over places [N, *S]: (X - mean_S X) v of X = maps [S, K].

    v is the first right singular vector of X - mean_S X, as pytorch-grad-cam has it
    (`get_2d_projection`). There its sign is that of the decomposition, so a map may come out
    inside out; here it goes with the sum over channels: sum_S map sum_k X_k is not negative.
    """
    X = as_matrices(maps)
    X = X - np.mean(X, axis=1, keepdims=True)
    found = np.matmul(X, direction(X)[:, :, None])[:, :, 0]
    along = np.sum(found * np.sum(X, axis=2), axis=1, keepdims=True)
    turned: Array = np.where(along < 0, -found, found)
    shaped: Array = turned.reshape(len(maps), *maps.shape[2:]).astype(maps.dtype)
    return shaped
