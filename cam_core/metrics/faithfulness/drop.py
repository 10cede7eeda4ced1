"""What happens to the score where an input is masked by its map.

Each takes Y [N] of the inputs and O [N] of what their maps keep of them, as `masked_scores` gives
them. The relative ones are shares of a probability, the absolute ones in units of the score: they
are not compared with one another.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...errors import InputError


def relative_drop(plain: Array, masked: Array) -> Array:
    """max(0, Y - O) / Y (Chattopadhay et al. 2018, Grad-CAM++, section 4.1; there in percent).

    Args:
        plain: Y [N], above 0.
        masked: O [N].

    Raises:
        InputError: a Y that is not above 0, of which there is no share.
    """
    Y, kept = _pair(plain, masked)
    if Y.min() <= 0:
        raise InputError(
            f"a relative drop of a score of {Y.min():.3g} means nothing: score a probability, as "
            "target prob:243 does, or take the absolute drop"
        )
    found: Array = np.maximum(0, Y - kept) / Y
    return found


def absolute_drop(plain: Array, masked: Array) -> Array:
    """max(0, Y - O): pytorch-grad-cam's `DropInConfidence`, of any score."""
    Y, kept = _pair(plain, masked)
    found: Array = np.maximum(0, Y - kept)
    return found


def increase(plain: Array, masked: Array) -> Array:
    """1 where O > Y, else 0 (Chattopadhay et al. 2018, section 4.1, "increase in confidence")."""
    Y, kept = _pair(plain, masked)
    return (kept > Y).astype(np.float64)


def relative_gain(plain: Array, masked: Array) -> Array:
    """max(0, O - Y) / (1 - Y), 0 where Y is 1 (Zhang et al. 2024, Opti-CAM, "average gain").

    Raises:
        InputError: scores that are no probabilities.
    """
    Y, kept = _pair(plain, masked)
    if min(Y.min(), kept.min()) < 0 or max(Y.max(), kept.max()) > 1:
        raise InputError(
            "a relative gain is of probabilities alone, and these scores leave [0, 1]: score "
            "prob:243, or take the absolute gain"
        )
    room = 1 - Y
    found: Array = np.where(room > 0, np.maximum(0, kept - Y) / np.where(room > 0, room, 1), 0.0)
    return found


def absolute_gain(plain: Array, masked: Array) -> Array:
    """max(0, O - Y), of any score."""
    Y, kept = _pair(plain, masked)
    found: Array = np.maximum(0, kept - Y)
    return found


def _pair(plain: Array, masked: Array) -> tuple[Array, Array]:
    Y, kept = np.asarray(plain, np.float64), np.asarray(masked, np.float64)
    if Y.ndim != 1 or Y.shape != kept.shape or not Y.size:
        raise InputError(f"scores of shape {Y.shape} and {kept.shape}: both are [N]")
    return Y, kept
