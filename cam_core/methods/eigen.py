"""The methods that look for the direction in which most of the activations lie."""

from __future__ import annotations

import numpy as np

from ..backend import Array
from ..maps.principal import as_matrices, direction, first_component


def eigencam(A: Array) -> Array:
    """alpha = v, the first right singular vector of A [S, K]; [N, K, 1..].

    Muhammad and Yeasin 2020, section III: A is not centred. The sign is such that the sum of the
    map over space is not negative. It knows of no class.
    """
    return _turned(A, A)


def eigencam_centred(A: Array) -> Array:
    """The map (A - mean_S A) v [N, *S], v the first right singular vector of A - mean_S A.

    pytorch-grad-cam's EigenCAM, whose sign is that of the decomposition (issue 364); here the map
    goes with the sum of A over channels. Its sum over space is 0.
    """
    return first_component(A)


def eigengradcam(A: Array, G: Array) -> Array:
    """alpha = G v, v the first right singular vector of G A [S, K]; [N, K, *S].

    EigenCAM of G A (pytorch-grad-cam, which centres it), not centred, the sum of the map not
    negative.
    """
    return G * _turned(G * A, A)


def _turned(X: Array, like: Array) -> Array:
    """The direction of X [N, K, *S] in which its map sums to no less than 0; [N, K, 1..]."""
    rows = as_matrices(X)
    v = direction(rows)
    total = np.sum(np.sum(rows, axis=1) * v, axis=1, keepdims=True)
    turned = np.where(total < 0, -v, v)
    return turned.reshape(*v.shape, *[1] * (X.ndim - 2)).astype(like.dtype)
