"""Which of the arrays that were fed a map is drawn over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cam_core.backend import Array, InputInfo

Given = Sequence[tuple[InputInfo, Array]]
"""The inputs, and a row [1, ...] of each."""
MOST_AXES = 3
"""Of a map that can be drawn."""


def beneath(given: Given, cells: Array) -> tuple[Array | None, Array]:
    """The array [*S, C] that has the map's axes (None where none has), and the map [*s] over it.

    The first input whose axes, less the batch and the channels, are as many as the map's; where
    none is, axes of a single cell are left out of the map. A map of one axis runs along the width
    of a picture too. Of a map of more than three axes the largest values along the first are kept.
    """
    if cells.ndim > MOST_AXES:
        cells = cells.max(axis=tuple(range(cells.ndim - MOST_AXES)))
    for seen, along in readings(cells):
        for info, array in given:
            values = spatial(info, array, seen.ndim)
            if values is not None and not (along and finer(seen, values)):
                return without_points(values, seen)
    return None, squeezed(cells)


def readings(cells: Array) -> Iterator[tuple[Array, bool]]:
    """The map with the axes that it may be taken to have; True: it runs along a picture's side."""
    if not cells.ndim:
        return
    yield cells, False
    line = squeezed(cells)
    yield line, False
    if line.ndim == 1:
        yield line[None], True
        yield line[:, None], True


def squeezed(cells: Array) -> Array:
    """Without the axes of a single cell; a lone cell keeps one."""
    return cells.reshape([n for n in cells.shape if n > 1] or [1])


def finer(cells: Array, values: Array) -> bool:
    """Has the map more cells along an axis than the array [*S, C] has places?"""
    return any(n > extent for n, extent in zip(cells.shape, values.shape, strict=False))


def spatial(info: InputInfo, array: Array, axes: int) -> Array | None:
    """A row as [*S, C] with so many axes in S, a view; None where it has not that many.

    Without an axis of channels C is 1. Such integers are no signal: they are ids, or a mask.
    """
    values: Array = array[0]
    axis = info.channel_axis
    if values.ndim == axes + 1:
        return np.moveaxis(values, (1 if axis is None else axis % array.ndim) - 1, -1)
    if axis is None and values.ndim == axes and values.dtype.kind == "f":
        return np.expand_dims(values, -1)
    return None


def without_points(values: Array, cells: Array) -> tuple[Array, Array]:
    """Without the axes that have one place in the array and one cell in the map, but for one."""
    alone = [i for i, n in enumerate(cells.shape) if n == values.shape[i] == 1]
    gone = tuple(alone[1:] if len(alone) == cells.ndim else alone)
    return values.squeeze(gone), cells.squeeze(gone)
