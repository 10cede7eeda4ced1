"""The methods that take what speaks for the target and what speaks against it apart.

These functions also run on symbolic tensors; see `from_gradients`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import Array
from .from_gradients import gradcam


def counterfactual(A: Array, G: Array) -> Array:
    """alpha_k = -mean_S G^k [N, K, 1..]: what would make the target less (Selvaraju 2017, 7)."""
    return -gradcam(A, G)


def elementwise(A: Array, G: Array) -> Array:
    """alpha = G where G A > 0, so that the map is sum_k ReLU(G A) [N, K, *S].

    pytorch-grad-cam, GradCAMElementWise. Nothing is taken away where channels disagree.
    """
    return np.where(G * A > 0, G, 0.0)


def bicam(A: Array, G: Array) -> Array:
    """alpha = G where G A has the sign of the stronger side of its place [N, K, *S].

    With P = sum_k ReLU(G A) and Q = sum_k ReLU(-G A) the signed map is P where P >= Q, and -Q
    elsewhere: both sides are whole, where their difference (HiResCAM) lets them cancel. After
    BiCAM (Su and Luo 2026), which keeps signed evidence, here of A and G of any layer; its masks of
    attention are not part of it.
    """
    both = G * A
    P, Q = sides(A, G)
    lit = np.where(both > 0, G, 0.0)
    dark = np.where(both < 0, G, 0.0)
    return np.where(np.expand_dims(P < Q, 1), dark, lit)


def sides(A: Array, G: Array) -> tuple[Array, Array]:
    """P = sum_k ReLU(G A) and Q = sum_k ReLU(-G A), each [N, *S]."""
    both = G * A
    P: Array = np.sum(np.maximum(both, 0.0), axis=(1,))
    Q: Array = np.sum(np.maximum(-both, 0.0), axis=(1,))
    return P, Q


def balance(A: Array, G: Array) -> list[dict[str, Any]]:
    """What a record says of each row: sum_S P and sum_S Q, and the second over the first.

    The authors tell adversarial pictures by the ratio of their masks of attention. This one does
    not tell them: docs/methods.md has the figures.
    """
    found = []
    for P, Q in zip(*sides(A, G), strict=True):
        p, q = (float(np.sum(side, dtype=np.float64)) for side in (P, Q))
        ratio = q / p if p > 0 else None
        known = {"for": p, "against": q, "against_over_for": ratio}
        found.append({"evidence": known} if np.isfinite(p + q) else {})
    return found


def odam(A: Array, G: Array) -> Array:
    """alpha = G, smoothed over neighbouring places with 1/4, 1/2, 1/4 along each axis [N, K, *S].

    ODAM (Zhao et al. 2024, section 3): element-wise weights for one box at one scale, lightly
    smoothed; scales are merged by the largest of each over its own maximum. The kernel is a
    Gaussian of sigma 0.7 cells, the edges repeated.
    """
    for axis in range(2, A.ndim):
        G = _smoothed(G, axis)
    return G


def _smoothed(x: Array, axis: int) -> Array:
    """1/4, 1/2, 1/4 along an axis, its first and last cell repeated."""

    def part(start: int | None, stop: int | None) -> Array:
        index = [slice(None)] * axis
        found: Array = x[(*index, slice(start, stop))]
        return found

    before = np.concatenate([part(None, 1), part(None, -1)], axis=axis)
    after = np.concatenate([part(1, None), part(-1, None)], axis=axis)
    return 0.25 * before + 0.5 * x + 0.25 * after
