"""The rows of an input: captions and scalars have none, a recurrent state has its own axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .backend import Array, InputInfo, Inputs


def row_axis(info: InputInfo) -> int | None:
    """Which axis of an input counts the rows of the score; None: it is given whole."""
    return info.row_axis if info.shape else None


def count(array: Array, info: InputInfo) -> int:
    """How many rows an array of this input has; 1 of one that is given whole."""
    axis = row_axis(info)
    return 1 if axis is None else array.shape[axis]


def row(array: Array, info: InputInfo, index: int) -> Array:
    """One row, its axis kept; all of what is given whole, or has a single row for all."""
    axis = row_axis(info)
    if axis is None or array.shape[axis] == 1:
        return array
    return array[(slice(None),) * axis + (slice(index, index + 1),)]


def filled(array: Array, info: InputInfo) -> Array:
    """A single row as often as a fixed batch has rows."""
    axis = row_axis(info)
    if axis is None or array.ndim <= axis or array.shape[axis] != 1:
        return array
    size = info.shape[axis]
    return np.repeat(array, size, axis) if isinstance(size, int) and size > 1 else array


def all_filled(x: Inputs, infos: Sequence[InputInfo]) -> Inputs:
    """Each input of one row as often as a fixed batch has rows."""
    known = {info.name: info for info in infos}
    if isinstance(x, Mapping):
        return {n: filled(a, known[n]) if n in known else a for n, a in x.items()}
    return filled(x, infos[0]) if len(infos) == 1 else x


def refilled(x: Inputs, infos: Sequence[InputInfo], other: Sequence[InputInfo]) -> Inputs:
    """What a model of these inputs takes, for one of `other`.

    One row of each where that has another fixed batch, as often as that has rows; x itself where
    nothing changes.
    """
    if not isinstance(x, Mapping):
        return _refilled(x, infos[0], other[0]) if len(infos) == len(other) == 1 else x
    ours, theirs = ({info.name: info for info in of} for of in (infos, other))
    both = ours.keys() & theirs.keys()
    found = {n: _refilled(a, ours[n], theirs[n]) if n in both else a for n, a in x.items()}
    return x if all(found[n] is x[n] for n in x) else found


def _refilled(array: Array, info: InputInfo, other: InputInfo) -> Array:
    axis = row_axis(other)
    if axis is None or not isinstance(other.shape[axis], int):
        return array
    if array.ndim <= axis or array.shape[axis] == other.shape[axis]:
        return array
    return filled(row(array, info, 0), other)
