"""Which units a target hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Weighed:
    """What each unit of a layer is to a target, means over M pictures [K]."""

    alpha: Array
    """Grad-CAM's weight: the mean of dY/dA^k over pictures and places."""
    adds: Array
    """The mean over pictures of alpha_k times the sum of A^k: its part of the map's sum, and of the
    score where the head is an average and a matrix."""
    over: Array | None
    """alpha less the largest alpha of any rival; None: there are no rivals."""

    def largest(self, count: int) -> Array:
        """Units of the largest alpha, largest first."""
        return np.argsort(-self.alpha, kind="stable")[:count]

    def smallest(self, count: int) -> Array:
        """Units of the smallest alpha, smallest first."""
        return np.argsort(self.alpha, kind="stable")[:count]

    def most(self, count: int) -> Array:
        """Units that add most, of those that add anything."""
        order = np.argsort(-self.adds, kind="stable")[:count]
        return order[self.adds[order] > 0]

    def own(self, count: int) -> Array:
        """Units that speak for the target and for no rival as much, the most apart first."""
        if self.over is None:
            return np.zeros(0, np.intp)
        order = np.argsort(-self.over, kind="stable")
        return order[(self.over[order] > 0) & (self.alpha[order] > 0)][:count]


def weigh(A: Sequence[Array], alpha: Sequence[Array], rivals: Sequence[Array] = ()) -> Weighed:
    """Means over pictures of what their units weigh.

    Args:
        A: activations of each picture [K, *S]; the places may differ.
        alpha: of the target, of each picture [K].
        rivals: of each picture [R, K], those of other classes.

    Raises:
        InputError: there are no pictures.
    """
    if not len(A):
        raise InputError("units are weighed on pictures: there are none")
    sums = [np.sum(a, axis=tuple(range(1, a.ndim)), dtype=np.float64) for a in A]
    weights = np.mean(np.asarray(alpha, np.float64), axis=0)
    adds = np.mean([w * s for w, s in zip(alpha, sums, strict=True)], axis=0)
    others = np.mean(np.asarray(rivals, np.float64), axis=0) if len(rivals) else np.zeros((0, 0))
    over = weights - others.max(axis=0) if others.size else None
    return Weighed(weights, adds, over)
