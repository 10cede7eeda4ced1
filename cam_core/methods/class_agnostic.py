"""The methods of A alone: they know of no class, and a file needs no backward pass for them.

These functions also run on symbolic tensors; see `from_gradients`.
"""

from __future__ import annotations

import numpy as np

from ..backend import Array
from ..errors import ModelError
from .from_gradients import over_space


def fem(A: Array, *, k: float = 2.0) -> Array:
    """alpha_k = the share of places where A^k > mean_S A^k + 2 sigma_S A^k [N, K, 1..].

    Fuad et al. 2020, section 3 (FEM), the rule of k = 2 sigma; sigma is that of the population.
    """
    mean = over_space(np.mean, A)
    apart = A - mean
    sigma = np.sqrt(over_space(np.mean, apart * apart))
    rare = apart > k * sigma
    return over_space(np.mean, rare.astype(A.dtype))


def random(A: Array, *, seed: int = 0) -> Array:
    """alpha_k ~ U(-1, 1) [N, K, 1..]: the baseline that a method must beat.

    The weights of K channels are those of the seed, for every row and every target.

    Raises:
        ModelError: a file leaves the number of channels open.
    """
    rank, K = A.ndim, A.shape[1]
    if not isinstance(K, int):
        raise ModelError(f"method 'random' draws a weight a channel: {K!r} is no number of them")
    drawn = np.random.default_rng(seed).uniform(-1, 1, K).astype(A.dtype)
    # As many rows as A has, whose number a file does not know.
    return drawn.reshape(1, K, *[1] * (rank - 2)) + 0.0 * over_space(np.max, A)
