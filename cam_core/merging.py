"""Maps of several layers as one: those of the scales of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from .explanation import Explanation
from .maps.scales import merge


def merged(parts: Sequence[Explanation]) -> Explanation:
    """One explanation of those of several layers for one target, one method: the largest of each.

    Each map over its own maximum, at the size of the finest, and of these the maximum (Zhao et al.
    2023, ODAM, section 3.3); negative evidence likewise. So the map has no unit, and its maximum
    is 1: the raw numbers of each layer are in `parts`. Blank ones count for nothing.

    Args:
        parts: at least one; a single one stays as it is.
    """
    if len(parts) == 1:
        return parts[0]
    finest = max(parts, key=lambda one: prod(one.map.shape[1:]))
    lit = [one for one in parts if not np.all(one.blank)] or [finest]
    maps, signed = merge(
        [one.map for one in lit],
        [one.signed for one in lit],
        [one.noise_floor for one in lit],
        finest.map.shape[1:],
    )
    blank = np.all([one.blank for one in parts], axis=0)
    return replace(
        finest,
        map=maps,
        signed=signed,
        layer=", ".join(one.layer for one in parts),
        raw_max=np.where(blank, 0.0, 1.0).astype(finest.raw_max.dtype),
        noise_floor=np.zeros_like(finest.noise_floor),
        diagnosis=tuple(map(_doubts, zip(*(one.diagnosis for one in parts), strict=True))),
        parts=tuple(parts),
    )


def _doubts(reasons: Sequence[str]) -> str:
    """A reason that holds at every layer; what is doubtful at one of them alone says little."""
    return next(iter(dict.fromkeys(reasons))) if all(reasons) else ""
