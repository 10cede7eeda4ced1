"""Which of the arrays that were fed a map is drawn over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array, InputInfo
from cam_core.region import Region

ALONE = "the map alone: no input has its axes"
Given = Sequence[tuple[InputInfo, Array]]
"""The inputs, and a row [1, ...] of each."""
MOST_AXES = 3
"""Of a map that can be drawn."""


@dataclass(frozen=True)
class Ground:
    """What a map lies over."""

    values: Array | None
    """[*S, C], a view of the array; None where no array has the map's axes."""
    cells: Array
    """The map [*s], an axis each of S."""
    note: str
    """Which input it is, where there are several."""
    start: tuple[int, ...] = ()
    """Where in the input the array begins, an axis each of S; () at its beginning."""


def beneath(given: Given, cells: Array, region: Region | None = None) -> Ground:
    """The array that a map descends from; where nobody knows, one that has its axes.

    That is the first input whose axes, less the batch and the channels, are as many as the map's;
    where none is, axes of a single cell are left out of the map. A map of one axis runs along the
    width of a picture too. Of a map of more than three axes the largest values along the first are
    kept.
    """
    if cells.ndim > MOST_AXES:
        cells = cells.max(axis=tuple(range(cells.ndim - MOST_AXES)))
    known = None if region is None else described(given, cells, region)
    if known is not None:
        return known
    for seen, along in readings(cells):
        views = [(info, spatial(info, array, seen, along=along)) for info, array in given]
        fitting = [
            (info.name, values)
            for info, values in views
            if values is not None
            and not ((along or info.channel_axis is None) and finer(seen, values))
        ]
        if fitting:
            values, seen = without_points(fitting[0][1], seen)
            return Ground(values, seen, name_of([name for name, _ in fitting], len(given)))
    return Ground(None, squeezed(cells), ALONE)


def described(given: Given, cells: Array, region: Region) -> Ground | None:
    """The part of its own input that a map covers; None where that was not given."""
    own = next(((info, array) for info, array in given if info.name == region.input), None)
    if own is None or len(region.axes) != cells.ndim:
        return None
    array = own[1]
    axes = [axis - 1 + added(*own) for axis in region.axes]
    if -1 in axes:
        return None
    values: Array = laid_out(array[0], region)
    values = values.transpose(axes + [i for i in range(values.ndim) if i not in axes])
    values = values.reshape(*values.shape[: len(axes)], -1)
    parts = zip(values.shape, region.windows, strict=False)
    shown = tuple(covered(*part) for part in parts)
    values, cells = without_points(values[shown], cells)
    return Ground(values, cells, told(region, len(given)), tuple(part.start for part in shown))


def laid_out(values: Array, region: Region) -> Array:
    """A row of the input, its last axis as the picture that the file makes of it."""
    extents = [extent for _, extent in region.folded]
    return values.reshape(*values.shape[:-1], *extents) if extents else values


def told(region: Region, count: int) -> str:
    """Of which of `count` inputs the picture is, and how it is laid out; '' where that is plain."""
    if not region.folded:
        return f"over input '{region.input}'" if count > 1 else ""
    return f"over input '{region.input}', laid out as {region.layout} as in the file"


def added(info: InputInfo, array: Array) -> int:
    """How many axes were put before those of the input: 1 where all of it is one row, a clip."""
    return array.ndim - len(info.shape)


def covered(extent: int, window: tuple[float, float]) -> slice:
    """The places of an axis within a window."""
    low, high = (min(max(round(end * extent), 0), extent) for end in window)
    return slice(low, max(high, low + 1))


def name_of(fitting: Sequence[str], count: int) -> str:
    """The input that is shown, and those that would have done as well."""
    if count == 1:
        return ""
    others = ", ".join(f"'{name}'" for name in fitting[1:])
    return f"over input '{fitting[0]}'" + (f"; {others} would fit as well" if others else "")


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


def spatial(info: InputInfo, array: Array, cells: Array, *, along: bool) -> Array | None:
    """A row as [*S, C] with the map's axes in S, a view; None where it has more or fewer.

    The axis of channels is the one that the model names, unless the map has more cells than are
    left then and another axis leaves enough. Without such an axis C is 1; integers without it are
    no signal: they are ids, or a mask.
    """
    values: Array = array[0]
    axis = info.channel_axis
    if values.ndim == cells.ndim + 1:
        said = (1 if axis is None else axis % len(info.shape)) - 1 + added(info, array)
        rest = () if along else (a for a in range(values.ndim) if a != said)
        views = [np.moveaxis(values, a, -1) for a in (said, *rest)]
        return next((view for view in views if not finer(cells, view)), views[0])
    if axis is None and values.ndim == cells.ndim and values.dtype.kind == "f":
        return np.expand_dims(values, -1)
    return None


def without_points(values: Array, cells: Array) -> tuple[Array, Array]:
    """Without the axes that have one place in the array and one cell in the map, but for one."""
    alone = [i for i, n in enumerate(cells.shape) if n == values.shape[i] == 1]
    gone = tuple(alone[1:] if len(alone) == cells.ndim else alone)
    return values.squeeze(gone), cells.squeeze(gone)
