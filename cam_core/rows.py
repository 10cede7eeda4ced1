"""The rows of an input: captions and scalars have none, a recurrent state has its own axis."""

from __future__ import annotations

from .backend import Array, InputInfo


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
