"""What the four numbers of an anchor mean, read off the numbers of all anchors.

A file says where its boxes are, not whether (x0, y0, x1, y1) or (x, y, w, h), in pixels or parts,
decoded or not. Thousands of anchors do: right corners lie right of left ones everywhere, sizes are
never negative, parts stay near [0, 1], and undecoded sizes are logarithms, of both signs. Where
each cell has its anchors, decoded boxes lie all over the picture and offsets near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from .grids import Grid, find_grid

NEAR_ONE = 2.0
"""Parts of a picture's extent reach a little beyond it."""
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
    """(numbers [A, 4], the input's size, where the anchors are) -> corners [A, 4] in its pixels."""
    of_cells: bool = False
    """Are they counted from the cell of each anchor?"""


def corners(numbers: Array, size: Size, cells: tuple[int, ...] = ()) -> tuple[Array, str]:
    """Corners x0, y0, x1, y1 [..., A, 4] in pixels of the input, and in words how they were read.

    Args:
        numbers: [A, 4], or of several rows [N, A, 4].
        size: the input's height and width.
        cells: the axes of places that the anchors had, (h, w) of a single map; () of a list.
    """
    flat = numbers.reshape(-1, 4).astype(np.float64)
    grid = find_grid(numbers.shape[-2], size, cells)
    rows = len(flat) // numbers.shape[-2]
    grids = None if grid is None else grid.repeated(rows)
    either, far = grid is None or _parts(flat), _spread(flat, size)
    fitting = (one for one in MEANINGS if either or one.of_cells != far)
    meaning = next(one for one in fitting if one.holds(flat, size, grids))
    return meaning.read(flat, size, grids).reshape(numbers.shape), meaning.words


def _ordered(a: Array) -> bool:
    """Do the second pair lie right of and below the first, of all but padded ones?"""
    return bool(np.all(a[:, 2:] >= a[:, :2]))


def _parts(a: Array) -> bool:
    return bool(np.max(np.abs(a), initial=0.0) <= NEAR_ONE)


def _spread(a: Array, size: Size) -> bool:
    """Do the first two numbers, in pixels, reach over the picture?"""
    low, high = np.quantile(a[:, :2], [0.05, 0.95], axis=0)
    return bool(np.all(high - low > SPREAD * _pixels(size)[:2]))


def _sizes(a: Array) -> bool:
    return bool(np.all(a[:, 2:] >= 0))


def _from_centre(a: Array) -> Array:
    half = a[:, 2:] / 2
    return np.concatenate([a[:, :2] - half, a[:, :2] + half], axis=1)


def _pixels(size: Size) -> Array:
    return np.array([size[1], size[0]] * 2, np.float64)


def _grid_offsets(a: Array, size: Size, grid: Grid | None) -> Array:
    """YOLOX (Ge et al. 2021): centre (cell + xy) stride, size exp(wh) stride."""
    assert grid is not None
    stride = grid.stride[:, None]
    centre = (grid.cell + a[:, :2]) * stride
    return _from_centre(np.concatenate([centre, np.exp(np.minimum(a[:, 2:], 50)) * stride], axis=1))


def _bounded_offsets(a: Array, size: Size, grid: Grid | None) -> Array:
    """FastestDet: centre (cell + tanh xy) stride, size sigmoid(wh) of the picture."""
    assert grid is not None
    centre = (grid.cell + np.tanh(a[:, :2])) * grid.stride[:, None]
    extent = 1 / (1 + np.exp(-a[:, 2:])) * _pixels(size)[:2]
    return _from_centre(np.concatenate([centre, extent], axis=1))


MEANINGS = (
    Meaning(
        "corners in parts of the picture",
        lambda a, size, grid: _ordered(a) and _parts(a),
        lambda a, size, grid: a * _pixels(size),
    ),
    Meaning(
        "corners in pixels",
        lambda a, size, grid: _ordered(a),
        lambda a, size, grid: a,
    ),
    Meaning(
        "centre and size in parts of the picture",
        lambda a, size, grid: _sizes(a) and _parts(a),
        lambda a, size, grid: _from_centre(a) * _pixels(size),
    ),
    Meaning(
        "centre and size in pixels",
        lambda a, size, grid: _sizes(a),
        lambda a, size, grid: _from_centre(a),
    ),
    Meaning(
        "offsets in one map's cells, tanh and sigmoid outside (FastestDet)",
        lambda a, size, grid: grid is not None and grid.single,
        _bounded_offsets,
        of_cells=True,
    ),
    Meaning(
        "offsets in cells and logarithms of sizes, strides outside (YOLOX)",
        lambda a, size, grid: grid is not None,
        _grid_offsets,
        of_cells=True,
    ),
    Meaning(
        "centre and size in pixels, some of them negative",
        lambda a, size, grid: True,
        lambda a, size, grid: _from_centre(np.maximum(a, 0)),
    ),
)
"""The first that holds is how they are read."""
