"""Many numbers in few columns: what each column holds, with no peak left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array

from .place import sample

AT_ONCE = 64
"""Bins."""


def starts(extent: int, count: int) -> Array:
    """Where each of `count` bins of `extent` numbers begins; none is empty if extent >= count."""
    return np.arange(count) * extent // count


def columns(extent: int, count: int) -> Array:
    """The column of each of `extent` numbers that tile `count` columns, no fewer than numbers."""
    return ((np.arange(extent) + 0.5) * count / extent).astype(np.intp)


def extremes(row: Array, count: int) -> tuple[Array, Array]:
    """The least and the largest value of a signal [T] in each of `count` columns, [count] each.

    Of long signals no copy is made; fewer numbers than columns are joined by straight lines.
    """
    if len(row) >= count:
        first = starts(len(row), count)
        return np.minimum.reduceat(row, first), np.maximum.reduceat(row, first)
    at = np.arange(count + 1) * len(row) / count - 0.5
    line = np.interp(at, np.arange(len(row)), row)
    low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
    own = columns(len(row), count)
    low[own], high[own] = np.minimum(low[own], row), np.maximum(high[own], row)
    return low, high


def means(values: Array, most: int, axis: int) -> Array:
    """Bin by bin the mean, where an axis has more than `most` numbers; else the values.

    Some bins are made at a time: numbers that are no floats would be copied as floats.
    """
    extent = values.shape[axis]
    if extent <= most:
        return values
    ends = np.append(starts(extent, most), extent)
    kind = np.promote_types(values.dtype, np.float32)
    lines, found = np.moveaxis(values, axis, 0), []
    for first in range(0, most, AT_ONCE):
        edges = ends[first : first + AT_ONCE + 1]
        total = np.add.reduceat(lines[edges[0] : edges[-1]], edges[:-1] - edges[0], dtype=kind)
        found.append(total / np.diff(edges).astype(kind).reshape(-1, *[1] * (values.ndim - 1)))
    return np.moveaxis(np.concatenate(found), 0, axis)


def hottest(cells: Array, size: Sequence[int]) -> Array:
    """A map [*S] at [*size]: bins of cells give their largest, wide cells are interpolated.

    Linear between the cells' centres, edges held; the pixel at a centre has the cell's own value.
    """
    for axis, count in enumerate(size):
        have = cells.shape[axis]
        if have > count:
            cells = np.maximum.reduceat(cells, starts(have, count), axis=axis)
        elif have < count:
            wide = sample(cells, (np.arange(count) + 0.5) * have / count, axis)
            lines, own = np.moveaxis(wide, axis, 0), columns(have, count)
            lines[own] = np.maximum(lines[own], np.moveaxis(cells, axis, 0))
            cells = wide
    return cells
