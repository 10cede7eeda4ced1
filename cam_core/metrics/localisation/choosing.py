"""The threshold at which most maps box their object, chosen on photos with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import InputError
from .boxes import THRESHOLDS

LEAST = 0.5
"""The intersection over union from which on an object is found (Russakovsky et al. 2015)."""


@dataclass(frozen=True)
class Chosen:
    """A threshold, and what it was chosen for."""

    threshold: float
    found: float
    """The share of maps with an overlap of at least LEAST there; on the photos it was chosen on."""
    overlap: float
    """The mean intersection over union there."""
    shares: tuple[float, ...]
    """The same share at each threshold that was tried."""


def choose_threshold(overlaps: Array, thresholds: Sequence[float] = THRESHOLDS) -> Chosen:
    """The t with the largest share of maps whose overlap is at least LEAST.

    Of equal ones that with the larger mean overlap, then the lower. As MaxBoxAcc of Choe et al.
    2020 chooses it: one for all maps.

    Args:
        overlaps: [N, T], of the box of each map at each threshold with the object's.
        thresholds: the T.

    Raises:
        InputError: no map.
    """
    if overlaps.ndim != 2 or not len(overlaps) or overlaps.shape[1] != len(thresholds):
        raise InputError(f"overlaps {list(overlaps.shape)}: give maps by {len(thresholds)} columns")
    shares, means = (overlaps >= LEAST).mean(axis=0), overlaps.mean(axis=0)
    best = max(range(len(thresholds)), key=lambda t: (shares[t], means[t], -thresholds[t]))
    listed = tuple(float(share) for share in shares)
    return Chosen(float(thresholds[best]), listed[best], float(np.float64(means[best])), listed)
