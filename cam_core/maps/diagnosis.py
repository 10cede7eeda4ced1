"""Why a map shows nothing, or less than it seems to: one line a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from ..backend import Array, Capture
from .repeated import once

EPSILONS = 8
"""So many roundings of the largest sum are noise."""
SATURATED = 1e-6
"""A probability nearer to 0 or 1 than this has hardly any gradient left."""


def noise_floor(weighted: Array, dtype: np.dtype[np.floating]) -> Array:
    """The value [N] below which a map is rounding: 8 eps of the largest sum_k |alpha_k A^k|.

    In float32 about 1e-6 of it; `dtype` is the one that A was computed in.
    """
    return floor_under(np.sum(np.abs(weighted), axis=1), dtype)


def floor_under(sums: Array, dtype: np.dtype[np.floating]) -> Array:
    """`noise_floor` of the sums themselves [N, *S]."""
    eps = max(np.finfo(dtype).eps, np.finfo(np.float32).eps)
    floor: Array = EPSILONS * eps * np.max(sums, axis=tuple(range(1, sums.ndim)))
    return floor


class Finite:
    """Which rows of an array are free of NaN and inf; an array is read once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Array, Array]] = {}

    def __call__(self, values: Array) -> Array:
        """Bool [N]."""
        if id(values) not in self._known:  # its number is its own as long as it is kept here
            self._known[id(values)] = values, finite_rows(values)
        return self._known[id(values)][1]


def finite_rows(values: Array) -> Array:
    """Bool [N]: rows without NaN and inf."""
    few = once(values)
    found: Array = np.all(np.isfinite(few).reshape(len(few), prod(few.shape[1:])), axis=1)
    return found if len(few) == len(values) else np.repeat(found, len(values))


def nothing(values: Array) -> bool:
    """Is it 0 everywhere?"""
    if values.size and values.flat[0] != 0:  # which is soon told of most gradients
        return False
    return not np.any(once(values) != 0)  # of booleans faster than of numbers


def diagnose(
    capture: Capture,
    score: Array,
    unit: str,
    alpha: Array,
    signed: Array,
    floor: Array,
    finite: Callable[[Array], Array] = finite_rows,
) -> tuple[str, ...]:
    """One reason a row, '' where nothing is wrong with the map.

    `score` is Y [N] of the target, in its unit; `finite` may know the score and A already.
    """
    y, A, G = capture.logits, capture.activations, capture.lit
    whole = {  # of A in all places: those where G is 0 are not in the sum
        "the score": finite(y), "the activations": finite(A), "the gradients": finite_rows(G)
    }  # fmt: skip
    return tuple(
        _broken([name for name, rows in whole.items() if not rows[row]])
        or _saturated(y[row], G[row], score[row], unit == "probability")
        or _blank(A[row], G[row], alpha[row], np.max(signed[row]) > floor[row])
        or _hidden(signed[row], floor[row])
        for row in range(len(signed))
    )


STILL = "the map is zero: nothing that was tried moves the target"


def unmoved(signed: Array, floor: Array, zero: str = STILL) -> tuple[str, ...]:
    """The same of maps [N, *S] that are not made of A and G.

    Args:
        zero: what is said of a map that is 0 everywhere.
    """
    rows = zip(signed, floor, strict=True)
    return tuple(_empty(row, zero) or _hidden(row, top) for row, top in rows)


def _empty(signed: Array, zero: str) -> str:
    if not np.all(np.isfinite(signed)):
        return "NaN or inf in the map: NaN in the weights or the input, or an overflow"
    return "" if np.any(signed) else zero


def _broken(bad: Sequence[str]) -> str:
    if not bad:
        return ""
    return f"NaN or inf in {' and '.join(bad)}: NaN in the weights or the input, or an overflow"


def _saturated(y: Array, G: Array, score: float, probability: bool) -> str:
    if y.ndim > 1 or min(score, 1 - score) > SATURATED:
        return ""
    if probability:
        return f"score saturated: the probability is {score:.9g}; explain the logit instead"
    looks = y.size > 1 and np.min(y) >= 0 and abs(np.sum(y) - 1) < 1e-3
    if looks and not np.any(G):
        return (
            f"score saturated: it looks like a probability, {score:.9g}; name the logits as score"
        )
    return ""


def _blank(A: Array, G: Array, alpha: Array, lit: np.bool_) -> str:
    """`lit`: the map shows something, so that neither A nor alpha is zero."""
    if nothing(G):
        return "the gradient is exactly zero: this layer does not move the score here"
    if lit:
        return ""
    if nothing(A):
        return "every activation of this layer is zero"
    if nothing(alpha):
        return (
            "the gradient is not zero but every weight is: it cancels, or is negative, everywhere"
        )
    return ""


def _hidden(signed: Array, floor: float) -> str:
    top = np.max(signed)
    if top <= 0 and np.min(signed) < -floor:
        return "every weighted value is negative: this layer speaks against the target only"
    if top <= floor:
        return f"the map is rounding noise: its maximum is {top:.3g}, noise reaches {floor:.3g}"
    return ""
