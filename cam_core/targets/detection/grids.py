"""Where the anchors of a detector stand: cells of maps at one or several strides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

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

    def repeated(self, rows: int) -> Grid:
        """The same for the anchors of several rows, one after the other."""
        return Grid(np.tile(self.cell, (rows, 1)), np.tile(self.stride, rows), self.single)


def find_grid(anchors: int, size: tuple[int, int], cells: Sequence[int] = ()) -> Grid | None:
    """The grid with so many anchors: of one map, or of neighbouring strides, fine ones first.

    None where none has so many, or several have: nobody knows.
    """
    if len(cells) == 2:
        return _grid([(cells[0], cells[1], size[0] / cells[0], 1)], single=True)
    found = list(_pyramids(anchors, size))
    return _grid(found[0]) if len(found) == 1 else None


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


def _grid(levels: Sequence[Level], *, single: bool = False) -> Grid:
    cells, strides = [], []
    for height, width, stride, each in levels:
        rows, columns = np.mgrid[:height, :width]
        here = np.stack([columns, rows], axis=-1).reshape(-1, 2)
        cells.append(np.repeat(here, each, axis=0))
        strides.append(np.full(len(here) * each, stride))
    return Grid(np.concatenate(cells), np.concatenate(strides).astype(np.float64), single)
