"""The numbers of a detector's boxes as its outputs hold them, all scales one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ...backend import Array
from ...head import BoxNumbers, OwnClass

Levels = tuple[tuple[int, ...], ...]
"""Of each output, the axes of places that its anchors have: (h, w) of a map, (A,) of a list,
(n, h, w) of n anchors a cell, map after map."""


@dataclass(frozen=True)
class Numbers:
    """Of all anchors."""

    values: Array
    """[N, M, A]: M numbers each."""
    levels: Levels
    own: Array | None = None
    """[N, A]: the class that each says it is of."""
    angles: Array | None = None
    """[N, A]: how far each box is turned."""


def gathered(outputs: Mapping[str, Array], of: BoxNumbers) -> Numbers:
    """Those that `of` points at."""
    arrays = [_rows(outputs[name], of) for name in (of.output, *of.further)]
    axis = of.axis % outputs[of.output].ndim + (not of.batched)
    sides = [_apart(np.moveaxis(a, axis, 1), of.each) for a in arrays]  # [N, M, *places]
    flat = [side.reshape(*side.shape[:2], _cells(side)) for side in sides]
    every = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=2)
    return Numbers(
        every[:, of.start : of.start + of.count],
        tuple(side.shape[2:] for side in sides),
        None if of.own is None else _own(outputs, of, of.own),
        None if of.angle is None else every[:, of.angle],
    )


def spot(
    outputs: Mapping[str, Array], of: BoxNumbers, row: int, anchor: int
) -> tuple[str, tuple[int | slice, ...]]:
    """Which output has the numbers of an anchor, and where in it: (row, ..., slice, ...)."""
    for name in (of.output, *of.further):
        shape = outputs[name].shape
        axis = of.axis % len(shape)
        places = [n for i, n in enumerate(shape) if i != axis and not (of.batched and i == 0)]
        if anchor < of.each * prod(places):
            which, cell = divmod(anchor, prod(places))
            at: list[int | slice] = [int(i) for i in np.unravel_index(cell, places)]
            if of.batched:
                at.insert(0, row)
            start = of.start + which * (shape[axis] // of.each)
            at.insert(axis, slice(start, start + of.count))
            return name, tuple(at)
        anchor -= of.each * prod(places)
    raise AssertionError("it is one of the anchors")


def _rows(array: Array, of: BoxNumbers) -> Array:
    return array if of.batched else array[None]


def _apart(side: Array, each: int) -> Array:
    """[N, M, each, *places] of [N, each M, *places]; the same where each is 1."""
    if each == 1:
        return side
    apart = side.reshape(len(side), each, -1, *side.shape[2:])
    return np.moveaxis(apart, 1, 2)


def _own(outputs: Mapping[str, Array], of: BoxNumbers, where: OwnClass) -> Array:
    array = outputs[where.output]
    if where.axis is not None:
        array = np.take(array, where.at, axis=where.axis)
    rows = _rows(array, of)
    return rows.reshape(len(rows), -1 if rows.size else 0).astype(np.int64)


def _cells(side: Array) -> int:
    """How many places there are: -1 means nothing where there is none."""
    return int(np.prod(side.shape[2:]))
