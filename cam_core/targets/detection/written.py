"""Ways to write boxes that the numbers alone do not show, but the structure of a file does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError
from .grids import Grid, find_grid
from .meaning import Size, bounded_offsets, corners, from_centre, grid_offsets, pixels
from .numbers import Levels


@dataclass(frozen=True)
class Written:
    """One of WRITTEN."""

    words: str
    read: Callable[[Array, Size, Grid], Array]
    """(numbers [A, M], the input's size, where the anchors are) -> corners [A, 4] in its pixels."""


def _around(points: Array, distances: Array) -> Array:
    """Corners at these distances to the left, top, right and bottom of points."""
    return np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)


def _distances(a: Array, size: Size, grid: Grid) -> Array:
    """SCRFD (Guo et al. 2021): in strides, from the corner of each cell where its anchors are."""
    stride = grid.stride[:, None]
    return _around(grid.cell * stride, a * stride)


def _anchor_offsets(a: Array, size: Size, grid: Grid) -> Array:
    """BlazeFace (Bazarevsky et al. 2019): from the centre of the cell, sizes as they are."""
    centre = (grid.cell + 0.5) * grid.stride[:, None] + a[:, :2]
    return from_centre(np.concatenate([centre, a[:, 2:]], axis=1))


def _distributions(a: Array, size: Size, grid: Grid) -> Array:
    """Generalized focal loss (Li et al. 2020): mean of a softmax over bins, from the centre."""
    bins = a.reshape(len(a), 4, -1)
    p = np.exp(bins - bins.max(axis=2, keepdims=True))
    mean = p @ np.arange(bins.shape[2]) / p.sum(axis=2)
    stride = grid.stride[:, None]
    return _around((grid.cell + 0.5) * stride, mean * stride)


DOWN_FIRST = "down first"
"""ymin, xmin, ymax, xmax, as TensorFlow's detectors have them."""
CENTRES = "centres in parts"
"""cx, cy, w, h that end in sigmoids, as DETR's do."""
ANCHORED = "anchor offsets"
WRITTEN: dict[str, Written] = {
    ANCHORED: Written("offsets in pixels from fixed anchors (BlazeFace)", _anchor_offsets),
    "bounded offsets": Written(
        "offsets in one map's cells, tanh and sigmoid outside (FastestDet)", bounded_offsets
    ),
    "distances": Written("distances to the sides in strides (SCRFD)", _distances),
    "distributions": Written("distributions of distances to the sides", _distributions),
    "offsets": Written("offsets in cells and logarithms of sizes (YOLOX, YuNet)", grid_offsets),
}
"""By name, as `BoxNumbers.written` says it."""


def read_written(
    numbers: Array, size: Size, levels: Levels | None, written: str
) -> tuple[Array, str]:
    """Corners [N, A, 4] of numbers [N, M, A] in pixels of the input, and in words how.

    Args:
        size: the input's height and width.
        levels: of each output the axes of places that its anchors have; None: they are queries.
        written: a row of WRITTEN; '': four numbers that tell themselves; DOWN_FIRST: the same.

    Raises:
        TargetError: where the anchors stand is not known.
    """
    anchors = np.moveaxis(numbers, 1, 2).astype(np.float64)
    if not written:
        return corners(anchors, size, levels)
    if written == DOWN_FIRST:
        found, words = corners(anchors[..., [1, 0, 3, 2]], size, levels)
        return found, f"{words}, y before x"
    if written == CENTRES:
        return from_centre(anchors) * pixels(size), "centre and size in parts of the picture"
    row, grid = WRITTEN[written], find_grid(numbers.shape[2], size, levels or ())
    if grid is None:
        raise TargetError(
            f"the boxes are {row.words}, and no grid of an input {size[0]}x{size[1]} has their "
            f"{numbers.shape[2]} anchors: ask for a class at one of them (0@anchor:120)"
        )
    return np.stack([row.read(one, size, grid) for one in anchors]), row.words


def turned(boxes: Array, angles: Array) -> Array:
    """The upright boxes [..., 4] round boxes that are turned about their centres by radians."""
    centre, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    cos, sin = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    across = half[..., 0] * cos + half[..., 1] * sin
    down = half[..., 0] * sin + half[..., 1] * cos
    reach = np.stack([across, down], axis=-1)
    return np.concatenate([centre - reach, centre + reach], axis=-1)
