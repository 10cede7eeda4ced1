"""The numbers that a device logs of a map (`cam_stats`): a report is what to hold them to."""

from __future__ import annotations

import numpy as np

from ...compare.photos import Seen
from ...maps.combine import positive
from ...maps.stats import STATS, stats

LOGGED = tuple(name for name in STATS if name != "raw_max")
"""Columns that come from here; the maximum is a column of every map, whatever its axes are."""


def stats_of(seen: Seen) -> dict[str, float]:
    """By name; of a map without heat what is about heat is left out.

    {} of a map that has no height and width, or is NaN.
    """
    if seen.signed.ndim != 2 or not np.isfinite(seen.signed).all():
        return {}
    signed = seen.signed[None].astype(np.float32)
    found = dict(zip(STATS, stats(positive(signed), signed)[0].tolist(), strict=True))
    lit = found["raw_max"] > 0
    return {name: value for name, value in found.items() if lit or not STATS[name].placed}
