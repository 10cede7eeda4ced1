"""Units get names: the concept that each overlaps best (Bau et al. 2017, Network Dissection)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..backend import Array
from ..errors import InputError

SHARE = 0.005
"""Of all cells of the set, those that a unit is lit in (Bau et al. 2017, section 2.2)."""


class Named(NamedTuple):
    """A unit and the concept that it overlaps best."""

    unit: int
    concept: str
    iou: float


def thresholds(A: Sequence[Array], share: float = SHARE) -> Array:
    """T_k [K] with P(A^k > T_k) = `share` over the cells of all pictures.

    Args:
        A: activations of each picture [K, *S]; the places may differ.
    """
    flat = np.concatenate([a.reshape(len(a), -1) for a in A], axis=1)
    found: Array = np.quantile(flat, 1 - share, axis=1)
    return found


def overlaps(parts: Iterable[tuple[Array, Array]], limits: Array) -> Array:
    """IoU_kc = sum |A^k > T_k and L_c| / sum |A^k > T_k or L_c|, over all pictures, [K, C].

    Args:
        parts: of each picture its activations at the size of the masks [K, *S], and the masks of
            the concepts bool [C, *S].
        limits: T_k [K], of `thresholds`.

    Raises:
        InputError: there are no pictures.
    """
    both = either = None
    for A, masks in parts:
        lit = (limits.reshape(-1, *[1] * (A.ndim - 1)) < A).reshape(len(A), -1).astype(np.float64)
        known = masks.reshape(len(masks), -1).astype(np.float64)
        common = lit @ known.T
        joint = lit.sum(axis=1)[:, None] + known.sum(axis=1) - common
        both = common if both is None else both + common
        either = joint if either is None else either + joint
    if both is None or either is None:
        raise InputError("concepts are seen in pictures: there are none")
    found: Array = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return found


def words(iou: Array, names: Sequence[str]) -> list[Named]:
    """The best concept of each unit; '' of one that overlaps none."""
    best = iou.argmax(axis=1)
    return [
        Named(unit, names[c] if iou[unit, c] > 0 else "", float(iou[unit, c]))
        for unit, c in enumerate(best.tolist())
    ]


def sentence(named: Sequence[Named]) -> str:
    """'because of units 114 (wheel) and 17 (window)'; '' of none."""
    said = [f"{one.unit} ({one.concept})" if one.concept else f"{one.unit}" for one in named]
    if len(said) < 2:
        return f"because of unit {said[0]}" if said else ""
    return f"because of units {', '.join(said[:-1])} and {said[-1]}"
