"""The methods that weigh A by its gradients: pure functions alpha(A, G).

These functions also run on symbolic tensors and so become part of an instrumented model: on A and G
use only operators, np.where/abs/sqrt/exp/maximum/minimum and reductions with a tuple of axes; no
in-place step, no np.asarray, no boolean-mask index, and x.shape[0] is never a number.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..backend import Array
from ..maps.repeated import once


def over_space(reduce: Callable[..., Array], x: Array) -> Array:
    """`reduce` over all spatial axes of x [N, K, *S], kept as 1; x itself where S is ()."""
    # An empty tuple of axes means "none" to NumPy but "all" to ONNX, so it is never passed on.
    axes = tuple(range(2, x.ndim))
    return reduce(x, axis=axes, keepdims=True) if axes else x


def divide(numerator: Array, denominator: Array) -> Array:
    """The quotient, and 0 where the denominator is 0."""
    zero = denominator == 0
    return np.where(zero, 0.0, numerator / np.where(zero, 1.0, denominator))


def gradcam(A: Array, G: Array) -> Array:
    """alpha_k = mean_S G^k [N, K, 1..] (Selvaraju et al. 2017, eq. 1)."""
    return over_space(np.mean, once(G, 2))


def gradcam_plus_plus(A: Array, G: Array, *, eps: float | None = None) -> Array:
    """alpha_k = sum_S a ReLU(G), a = G^2 / (2 G^2 + G^3 sum_S A) [N, K, 1..].

    Chattopadhay et al. 2018, eq. 19, for the score itself (no exponential). Without `eps`, G^2 is
    cancelled: a = 1 / (2 + G sum_S A), which does not underflow for small G. `eps=1e-6` adds it to
    the denominator as pytorch-grad-cam does, which damps every |G| below about 1e-3.
    """
    total = over_space(np.sum, A)
    if eps is None:
        return over_space(np.sum, divide(np.maximum(G, 0.0), 2.0 + G * total))
    square = G * G
    a = divide(square, 2.0 * square + square * G * total + eps)
    return over_space(np.sum, a * np.maximum(G, 0.0))


def xgradcam(A: Array, G: Array) -> Array:
    """alpha_k = sum_S (G A) / sum_S A [N, K, 1..] (Fu et al. 2020, eq. 8)."""
    return divide(over_space(np.sum, G * A), over_space(np.sum, A))


def hirescam(A: Array, G: Array) -> Array:
    """alpha = G [N, K, *S] (Draelos and Carin 2020, eq. 5)."""
    return G


def layercam(A: Array, G: Array) -> Array:
    """alpha = ReLU(G) [N, K, *S] (Jiang et al. 2021, eq. 5), without the paper's tanh scaling."""
    return np.maximum(G, 0.0)
