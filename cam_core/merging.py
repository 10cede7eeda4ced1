"""Maps of several layers as one: those of the scales of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from .backend import Array
from .explanation import Explanation
from .maps.combine import resize


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
    size = finest.map.shape[1:]
    maps = _largest([_even(one, one.map, size) for one in parts])
    against = _largest([_even(one, np.maximum(-one.signed, 0.0), size) for one in parts])
    blank = np.all([one.blank for one in parts], axis=0)
    return replace(
        finest,
        map=maps,
        signed=np.where(maps > 0, maps, -against),
        layer=", ".join(one.layer for one in parts),
        raw_max=np.where(blank, 0.0, 1.0).astype(finest.raw_max.dtype),
        noise_floor=np.zeros_like(finest.noise_floor),
        diagnosis=tuple(map(_doubts, zip(*(one.diagnosis for one in parts), strict=True))),
        parts=tuple(parts),
    )


def _even(part: Explanation, values: Array, size: Sequence[int]) -> Array:
    """Non-negative values [N, *S] over the maximum of the part's map, at `size`; 0 of a blank."""
    lit = ~part.blank.reshape([-1] + [1] * len(size))
    top = part.raw_max.reshape(lit.shape)
    shown = np.where(lit, values / np.where(lit, top, 1), 0).astype(values.dtype)
    return resize(shown, size)


def _largest(maps: Sequence[Array]) -> Array:
    found: Array = np.max(np.stack(maps), axis=0)
    return found


def _doubts(reasons: Sequence[str]) -> str:
    """A reason that holds at every layer; what is doubtful at one of them alone says little."""
    return next(iter(dict.fromkeys(reasons))) if all(reasons) else ""
