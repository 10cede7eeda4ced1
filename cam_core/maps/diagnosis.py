"""Why a map shows nothing, or less than it seems to: one line a row."""

from __future__ import annotations

import numpy as np

from ..backend import Array, Capture

SATURATED = 1e-6
"""A probability nearer to 0 or 1 than this has hardly any gradient left."""


def noise_floor(weighted: Array, dtype: np.dtype[np.floating]) -> Array:
    """The value [N] below which a map is rounding: 8 eps of the largest sum_k |alpha_k A^k|.

    In float32 about 1e-6 of it; `dtype` is the one that A was computed in.
    """
    eps = max(np.finfo(dtype).eps, np.finfo(np.float32).eps)
    total = np.sum(np.abs(weighted), axis=1)
    floor: Array = 8 * eps * np.max(total, axis=tuple(range(1, total.ndim)))
    return floor


def diagnose(
    capture: Capture, score: Array, unit: str, alpha: Array, signed: Array, floor: Array
) -> tuple[str, ...]:
    """One reason a row, '' where nothing is wrong with the map.

    `score` is Y [N] of the target, in its unit.
    """
    probability = unit == "probability"
    return tuple(
        _broken(capture.logits[row], capture.activations[row], capture.gradients[row])
        or _saturated(capture.logits[row], capture.gradients[row], score[row], probability)
        or _blank(capture.activations[row], capture.gradients[row], alpha[row])
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


def _broken(y: Array, A: Array, G: Array) -> str:
    named = {"the score": y, "the activations": A, "the gradients": G}
    bad = [name for name, values in named.items() if not np.all(np.isfinite(values))]
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


def _blank(A: Array, G: Array, alpha: Array) -> str:
    if not np.any(G):
        return "the gradient is exactly zero: this layer does not move the score here"
    if not np.any(A):
        return "every activation of this layer is zero"
    if not np.any(alpha):
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
