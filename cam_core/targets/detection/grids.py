"""Where the anchors of a detector stand: cells of maps at one or several strides."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from ...backend import Array

STRIDES = (4, 8, 16, 32, 64, 128)
PER_CELL = (1, 2, 3, 4, 6, 9)


@dataclass(frozen=True)
class Grid:
    """The cell of each anchor."""

    cell: Array
    """[A, 2]: column and row."""
    stride: Array
    """[A]: pixels from one cell to the next."""
    single: bool = False
    """One map, whose axes the anchors kept?"""
    number: Array | None = None
    """[A]: which of the anchors of its cell it is, where these are maps of their own."""

    def repeated(self, rows: int) -> Grid:
        """The same for the anchors of several rows, one after the other."""
        if rows == 1:
            return self
        number = None if self.number is None else np.tile(self.number, rows)
        return Grid(np.tile(self.cell, (rows, 1)), np.tile(self.stride, rows), self.single, number)

    def at(self, anchors: Sequence[int] | Array) -> Grid:
        """That of some of them."""
        number = None if self.number is None else self.number[anchors]
        return Grid(self.cell[anchors], self.stride[anchors], self.single, number)


def find_grid(
    anchors: int, size: tuple[int, int], levels: Sequence[Sequence[int]] = ()
) -> Grid | None:
    """The grid with so many anchors: of maps, or of neighbouring strides, fine ones first.

    Of several that have so many the one with the fewest a cell; None where none has: nobody knows.

    Args:
        size: the input's height and width.
        levels: the axes of places of each output, where they are maps or several.
    """
    return _found(anchors, size, tuple(map(tuple, levels)))


@functools.lru_cache(maxsize=32)
def _found(anchors: int, size: tuple[int, int], levels: tuple[tuple[int, ...], ...]) -> Grid | None:
    """The same, which one detector asks of every picture."""
    if _are_maps(levels):
        return _grid([(h, w, size[0] / h, 1) for h, w in levels], single=len(levels) == 1)
    if levels and all(len(level) == 3 for level in levels):
        return _map_after_map(levels, size)
    found = [*_pyramids(anchors, size), *_thickening(anchors, size)]
    if len(levels) > 1:
        counts = [prod(level) for level in levels]
        found = [one for one in found if _counts(one) == counts]
    return _grid(min(found, key=lambda levels: levels[0][3])) if found else None


def _are_maps(levels: Sequence[Sequence[int]]) -> bool:
    """Is each [h, w]? A single one with an axis of 1 may be a list."""
    shaped = bool(levels) and all(len(level) == 2 for level in levels)
    return shaped and (len(levels) > 1 or 1 not in levels[0])


Level = tuple[int, int, float, int]
"""(rows, columns, stride, anchors a cell)"""


def _pyramids(anchors: int, size: tuple[int, int]) -> Iterator[list[Level]]:
    """Runs of strides, each twice the one before, that make so many anchors."""
    for first, last in combinations(range(len(STRIDES) + 1), 2):
        strides = STRIDES[first:last]
        counts = [(-(-size[0] // s), -(-size[1] // s)) for s in strides]
        cells = sum(h * w for h, w in counts)
        if anchors % cells == 0 and anchors // cells in PER_CELL:
            each = anchors // cells
            yield [(h, w, s, each) for (h, w), s in zip(counts, strides, strict=True)]


def _thickening(anchors: int, size: tuple[int, int]) -> Iterator[list[Level]]:
    """Two anchors a cell and then six, of three layers (BlazeFace, Bazarevsky et al. 2019)."""
    for stride in STRIDES[:-1]:
        each = ((stride, 2), (2 * stride, 6))
        levels: list[Level] = [(-(-size[0] // s), -(-size[1] // s), s, n) for s, n in each]
        if sum(_counts(levels)) == anchors:
            yield levels


def _map_after_map(levels: Sequence[Sequence[int]], size: tuple[int, int]) -> Grid:
    """Of each level (n, h, w) n maps: the first anchors of all cells, then the second ones."""
    maps = [(i, _grid([(h, w, size[0] / h, 1)])) for n, h, w in levels for i in range(n)]
    return Grid(
        np.concatenate([one.cell for _, one in maps]),
        np.concatenate([one.stride for _, one in maps]),
        number=np.concatenate([np.full(len(one.cell), i) for i, one in maps]),
    )


def _counts(levels: Sequence[Level]) -> list[int]:
    return [height * width * each for height, width, _, each in levels]


def _grid(levels: Sequence[Level], *, single: bool = False) -> Grid:
    cells, strides = [], []
    for height, width, stride, each in levels:
        rows, columns = np.mgrid[:height, :width]
        here = np.stack([columns, rows], axis=-1).reshape(-1, 2)
        cells.append(np.repeat(here, each, axis=0))
        strides.append(np.full(len(here) * each, stride))
    return Grid(np.concatenate(cells), np.concatenate(strides).astype(np.float64), single)
