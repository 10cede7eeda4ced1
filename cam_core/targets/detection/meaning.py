"""What the four numbers of an anchor mean, read off the numbers of all anchors.

A file says where its boxes are, not whether (x0, y0, x1, y1) or (x, y, w, h), in pixels or parts,
decoded or not. Thousands of anchors do: right corners lie right of left ones everywhere, sizes are
never negative, parts stay near [0, 1], and undecoded sizes are logarithms, of both signs. Where
each cell has its anchors, decoded boxes lie all over the picture and offsets near 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ...backend import Array
from .grids import Grid, find_grid

NEAR_ONE = 2.0
"""Parts of a picture's extent reach a little beyond it."""
STEP = 1e-100
"""Imaginary, and so small that its square is nothing."""
SPREAD = 0.25
"""Of the picture's extent, what the middle 90 % of decoded boxes reach over: YOLOX 0.85, and its
offsets 0.01, at the least and the most over 76 photos."""
Size = tuple[int, int]
"""(height, width)"""


@dataclass(frozen=True)
class Meaning:
    """How numbers are read."""

    words: str
    holds: Callable[[Array, Size, Grid | None], bool]
    read: Callable[[Array, Size, Grid | None], Array]
    """(numbers [A, M], the input's size, where the anchors are) -> corners [A, 4] in its pixels."""
    of_cells: bool = False
    """Are they counted from the cell of each anchor?"""


@dataclass(frozen=True)
class Read:
    """How the numbers of certain anchors are read, whatever numbers they come to have."""

    meaning: Meaning
    size: Size
    grid: Grid | None
    anchors: int
    """Of a row."""

    def corners(self, numbers: Array) -> Array:
        """[A, M] -> x0, y0, x1, y1 [A, 4] in pixels of the input."""
        return self.meaning.read(numbers, self.size, self.grid)

    def slopes(self, numbers: Array) -> Array:
        """d corner / d number [A, 4, M], by the complex step (Squire and Trapp 1998): exact."""
        units = np.eye(numbers.shape[-1])
        each = [self.corners(numbers + 1j * STEP * unit).imag / STEP for unit in units]
        return np.stack(each, axis=-1)

    def at(self, anchors: Sequence[int]) -> Read:
        """The same of one anchor a row."""
        if self.grid is None:
            return self
        rows = [n * self.anchors + anchor for n, anchor in enumerate(anchors)]
        return Read(self.meaning, self.size, self.grid.at(rows), 1)


def corners(
    numbers: Array, size: Size, levels: Sequence[Sequence[int]] | None = ()
) -> tuple[Array, str]:
    """Corners x0, y0, x1, y1 [..., A, 4] in pixels of the input, and in words how they were read.

    Args:
        numbers: [A, 4], or of several rows [N, A, 4].
        size: the input's height and width.
        levels: of each output the axes of places that its anchors had, (h, w) of a map; None: they
            are queries, and stand nowhere.
    """
    flat = numbers.reshape(-1, 4).astype(np.float64)
    found = read_as(numbers, size, levels)
    return found.corners(flat).reshape(numbers.shape), found.meaning.words


def read_as(numbers: Array, size: Size, levels: Sequence[Sequence[int]] | None = ()) -> Read:
    """How the numbers of all anchors are read; its rows are those of `numbers`, one after another.

    Args:
        numbers, size, levels: as `corners` says.
    """
    flat = numbers.reshape(-1, 4).astype(np.float64)
    grid = None if levels is None else find_grid(numbers.shape[-2], size, levels)
    rows = prod(numbers.shape[:-2])
    grids = None if grid is None else grid.repeated(rows)
    either, far = grid is None or _parts(flat), _spread(flat, size)
    fitting = (one for one in MEANINGS if either or one.of_cells != far)
    meaning = next(one for one in fitting if one.holds(flat, size, grids))
    return Read(meaning, size, grids, numbers.shape[-2])


def _ordered(a: Array) -> bool:
    """Do the second pair lie right of and below the first, of all but padded ones?"""
    return bool(np.all(a[:, 2:] >= a[:, :2]))


def _parts(a: Array) -> bool:
    return bool(np.max(np.abs(a), initial=0.0) <= NEAR_ONE)


def _spread(a: Array, size: Size) -> bool:
    """Do the first two numbers, in pixels, reach over the picture?"""
    if not len(a):
        return True
    low, high = np.quantile(a[:, :2], [0.05, 0.95], axis=0)
    return bool(np.all(high - low > SPREAD * pixels(size)[:2]))


def _sizes(a: Array) -> bool:
    return bool(np.all(a[:, 2:] >= 0))


def from_centre(a: Array) -> Array:
    """Corners of (x, y, w, h)."""
    half = a[..., 2:] / 2
    return np.concatenate([a[..., :2] - half, a[..., :2] + half], axis=-1)


def pixels(size: Size) -> Array:
    """What parts of the picture are multiplied by: w, h, w, h."""
    return np.array([size[1], size[0]] * 2, np.float64)


def grid_offsets(a: Array, size: Size, grid: Grid | None) -> Array:
    """YOLOX (Ge et al. 2021) and YuNet: centre (cell + xy) stride, size exp(wh) stride."""
    assert grid is not None
    stride = grid.stride[:, None]
    centre = (grid.cell + a[:, :2]) * stride
    return from_centre(np.concatenate([centre, np.exp(np.minimum(a[:, 2:], 50)) * stride], axis=1))


def bounded_offsets(a: Array, size: Size, grid: Grid | None) -> Array:
    """FastestDet: centre (cell + tanh xy) stride, size sigmoid(wh) of the picture."""
    assert grid is not None
    centre = (grid.cell + np.tanh(a[:, :2])) * grid.stride[:, None]
    extent = 1 / (1 + np.exp(-a[:, 2:])) * pixels(size)[:2]
    return from_centre(np.concatenate([centre, extent], axis=1))


MEANINGS = (
    Meaning(
        "corners in parts of the picture",
        lambda a, size, grid: _ordered(a) and _parts(a),
        lambda a, size, grid: a * pixels(size),
    ),
    Meaning(
        "corners in pixels",
        lambda a, size, grid: _ordered(a),
        lambda a, size, grid: a,
    ),
    Meaning(
        "centre and size in parts of the picture",
        lambda a, size, grid: _sizes(a) and _parts(a),
        lambda a, size, grid: from_centre(a) * pixels(size),
    ),
    Meaning(
        "centre and size in pixels",
        lambda a, size, grid: _sizes(a),
        lambda a, size, grid: from_centre(a),
    ),
    Meaning(
        "offsets in one map's cells, tanh and sigmoid outside (FastestDet)",
        lambda a, size, grid: grid is not None and grid.single,
        bounded_offsets,
        of_cells=True,
    ),
    Meaning(
        "offsets in cells and logarithms of sizes, strides outside (YOLOX)",
        lambda a, size, grid: grid is not None,
        grid_offsets,
        of_cells=True,
    ),
    Meaning(
        "centre and size in pixels, some of them negative",
        lambda a, size, grid: True,
        lambda a, size, grid: from_centre(np.maximum(a, 0)),
    ),
)
"""The first that holds is how they are read."""
