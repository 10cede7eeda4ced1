"""Maps of several layers as one: those of the scales of a detector, or those that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from .backend import Array
from .errors import InputError
from .explanation import Explanation
from .maps.fuses import find_fuse, fused
from .maps.scales import merge


def fuse(parts: Sequence[Explanation], how: str) -> Explanation:
    """One explanation of those of several layers for one target, by a row of `FUSES`.

    At the size of the finest; it has no unit: the raw numbers of each layer are in `parts`.

    Raises:
        InputError: no such fuse, a single layer, or maps that do not lie over one another.
    """
    find_fuse(how)
    over = ["" if one.region is None else one.region.input for one in parts]
    shapes = zip(parts, over, strict=True)
    require_alike([(one.layer, one.map.ndim - 1, name) for one, name in shapes])
    finest = max(parts, key=lambda one: prod(one.map.shape[1:]))
    maps, signed = fused(
        how,
        [one.map for one in parts],
        [one.signed for one in parts],
        [one.noise_floor for one in parts],
        finest.map.shape[1:],
    )
    top = np.max(maps, axis=tuple(range(1, maps.ndim)))
    found = _joined(finest, parts, maps, signed, top)
    shown = zip(found.diagnosis, top.tolist(), strict=True)
    said = tuple(doubt if doubt or lit else _apart(how) for doubt, lit in shown)
    return replace(found, diagnosis=said, fuse=how)


def _apart(how: str) -> str:
    return f"the layers agree nowhere: the map that '{how}' makes of them is zero"


def require_alike(layers: Sequence[tuple[str, int, str]]) -> None:
    """Refuses maps that do not lie over one another.

    Args:
        layers: of each its name, the axes of its maps, and the input that they lie over or ''.

    Raises:
        InputError: a single one, or maps of other axes or over another input.
    """
    if len(layers) < 2:
        raise InputError("fuse takes several layers: name two or more")
    (name, rank, over), *rest = layers
    for other, axes, below in rest:
        if axes != rank:
            raise InputError(
                f"layers '{name}' and '{other}' have maps of {rank} and {axes} axes: fuse those "
                "that are alike"
            )
        if over and below and over != below:
            raise InputError(
                f"layers '{name}' and '{other}' lie over inputs '{over}' and '{below}': fuse those "
                "over one input"
            )


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
    blanks = [one.blank for one in parts]
    lit = [one for one, b in zip(parts, blanks, strict=True) if not b.all()] or [finest]
    maps, signed = merge(
        [one.map for one in lit],
        [one.signed for one in lit],
        [one.noise_floor for one in lit],
        finest.map.shape[1:],
    )
    blank = np.logical_and.reduce(blanks)
    top = np.where(blank, 0.0, 1.0).astype(finest.raw_max.dtype)
    return _joined(finest, parts, maps, signed, top)


def _joined(
    finest: Explanation, parts: Sequence[Explanation], maps: Array, signed: Array, top: Array
) -> Explanation:
    """The explanation of the finest layer with the map of all."""
    return replace(
        finest,
        map=maps,
        signed=signed,
        layer=", ".join(one.layer for one in parts),
        raw_max=top,
        noise_floor=np.zeros_like(finest.noise_floor),
        diagnosis=tuple(map(_doubts, zip(*(one.diagnosis for one in parts), strict=True))),
        parts=tuple(parts),
    )


def _doubts(reasons: Sequence[str]) -> str:
    """A reason that holds at every layer; what is doubtful at one of them alone says little."""
    return next(iter(dict.fromkeys(reasons))) if all(reasons) else ""
