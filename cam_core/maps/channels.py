"""Which channels a map comes from, small enough to be kept of every photo.

alpha alone does not tell: where a head is a mean and a linear layer, all photos of a class have the
same. What a channel adds to the map is alpha_k times what the photo lights of it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..backend import Array

SIZE = 32
"""Numbers that are kept: the square of a distance keeps its value to sqrt(2 / SIZE), a quarter."""
SEED = 0


def added(A: Array, alpha: Array, signed: Array) -> Array:
    """c_k = sum over places of w alpha_k A^k [N, K], w = ReLU(L) / sum of ReLU(L).

    Weighted by the map itself: over all places what is dim everywhere would outweigh what makes the
    map hot where it is. NaN of a map that is nowhere positive.

    Args:
        A: [N, K, *S].
        alpha: [N, K, 1..] or [N, K, *S].
        signed: L [N, *S].
    """
    n, k = A.shape[:2]
    heat = np.maximum(signed, 0).reshape(n, 1, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = heat / heat.sum(axis=2, keepdims=True)
    flat = A.reshape(n, k, -1)
    if alpha.size == n * k:
        found: Array = alpha.reshape(n, k) * np.matmul(flat, w.transpose(0, 2, 1))[:, :, 0]
        return found
    each: Array = np.matmul(alpha.reshape(n, k, -1) * flat, w.transpose(0, 2, 1))[:, :, 0]
    return each


def sketch(c: Array) -> Array:
    """R c / |c| [N, SIZE], R of signs drawn at random over sqrt(SIZE) (Achlioptas 2003).

    Directions that lie apart stay so, whatever the number of channels; the same channels always
    meet the same signs. NaN of a row that is 0, or not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.linalg.norm(c, axis=1, keepdims=True)
        known = np.isfinite(size) & (size > 0)
        found: Array = np.where(known, c / np.where(known, size, 1), np.nan) @ signs(c.shape[1])
    return found


@lru_cache(maxsize=8)  # a model has one number of channels, photo after photo
def signs(channels: int) -> Array:
    """R [channels, SIZE]."""
    rng = np.random.default_rng([SEED, channels])
    drawn = rng.integers(0, 2, (channels, SIZE)) * 2.0 - 1
    found: Array = (drawn / np.sqrt(SIZE)).astype(np.float32)
    found.flags.writeable = False
    return found
