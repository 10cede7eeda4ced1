"""Ways to write boxes that the numbers alone do not show, but the structure of a file does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...backend import Array
from ...errors import TargetError
from .grids import Grid, find_grid
from .meaning import (
    Meaning,
    Read,
    Size,
    bounded_offsets,
    from_centre,
    grid_offsets,
    pixels,
    read_as,
)
from .numbers import Levels
from .priors import PRIOR, Priors, sized
from .ssd import from_priors


@dataclass(frozen=True)
class Written:
    """One of WRITTEN."""

    words: str
    read: Callable[[Array, Size, Grid | None], Array]
    """(numbers [A, M], the input's size, where the anchors are) -> corners [A, 4] in its pixels."""


def _around(points: Array, distances: Array) -> Array:
    """Corners at these distances to the left, top, right and bottom of points."""
    return np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)


def _distances(a: Array, size: Size, grid: Grid | None) -> Array:
    """SCRFD (Guo et al. 2021): in strides, from the corner of each cell where its anchors are."""
    assert grid is not None
    stride = grid.stride[:, None]
    return _around(grid.cell * stride, a * stride)


def _anchor_offsets(a: Array, size: Size, grid: Grid | None) -> Array:
    """BlazeFace (Bazarevsky et al. 2019): from the centre of the cell, sizes as they are."""
    assert grid is not None
    centre = (grid.cell + 0.5) * grid.stride[:, None] + a[:, :2]
    return from_centre(np.concatenate([centre, a[:, 2:]], axis=1))


def _distributions(a: Array, size: Size, grid: Grid | None) -> Array:
    """Generalized focal loss (Li et al. 2020): mean of a softmax over bins, from the centre."""
    assert grid is not None
    bins = a.reshape(len(a), 4, -1)
    p = np.exp(bins - bins.max(axis=2, keepdims=True))
    mean = p @ np.arange(bins.shape[2]) / p.sum(axis=2)
    stride = grid.stride[:, None]
    return _around((grid.cell + 0.5) * stride, mean * stride)


ACROSS = [1, 0, 3, 2]
"""What is y, x, y, x as x, y, x, y."""
DOWN_FIRST = "down first"
"""ymin, xmin, ymax, xmax, as TensorFlow's detectors have them."""
CENTRES = "centres in parts"
"""cx, cy, w, h that end in sigmoids, as DETR's do."""
ANCHORED = "anchor offsets"
BESIDE_BACKGROUND = "beside a background"
"""Four numbers that tell themselves, but if they are offsets they are those of SSD."""
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


def reading(
    numbers: Array, size: Size, levels: Levels | None, written: str, priors: Priors = ()
) -> Read:
    """How the numbers [N, M, A] of all anchors are read; its rows are those of all N, A each.

    Args:
        size: the input's height and width.
        levels: of each output the axes of places that its anchors have; None: they are queries.
        written: a row of WRITTEN or of PRIOR; '': four numbers that tell themselves; DOWN_FIRST:
            the same.
        priors: the sizes of the anchors of a cell, where they are known.

    Raises:
        TargetError: where the anchors stand, or how large they are, is not known.
    """
    rows, _, anchors = numbers.shape
    if written in ("", BESIDE_BACKGROUND):
        found = read_as(np.moveaxis(numbers, 1, 2), size, levels)
        return from_priors(found) if written and found.meaning.of_cells else found
    if written == DOWN_FIRST:
        found = read_as(np.moveaxis(numbers, 1, 2)[..., ACROSS], size, levels)
        return replace(found, meaning=_down_first(found.meaning))
    if written == CENTRES:
        words = "centre and size in parts of the picture"
        meaning = Meaning(words, _always, lambda a, size, grid: from_centre(a) * pixels(size))
        return Read(meaning, size, None, anchors)
    if written in PRIOR:
        grid = find_grid(anchors, size, levels or ())
        words, read = sized(written, grid, priors)
        assert grid is not None  # it is of maps
        return Read(Meaning(words, _always, read), size, grid.repeated(rows), anchors)
    row, grid = WRITTEN[written], find_grid(anchors, size, levels or ())
    if grid is None:
        raise TargetError(
            f"the boxes are {row.words}, and no grid of an input {size[0]}x{size[1]} has their "
            f"{anchors} anchors: ask for a class at one of them (0@anchor:120)"
        )
    return Read(Meaning(row.words, _always, row.read), size, grid.repeated(rows), anchors)


def _always(a: Array, size: Size, grid: Grid | None) -> bool:
    return True


def _down_first(of: Meaning) -> Meaning:
    """The same with y before x."""
    return replace(
        of,
        words=f"{of.words}, y before x",
        read=lambda a, size, grid: of.read(a[..., ACROSS], size, grid),
    )


def turned(boxes: Array, angles: Array) -> Array:
    """The upright boxes [..., 4] round boxes that are turned about their centres by radians."""
    centre, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    cos, sin = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    across = half[..., 0] * cos + half[..., 1] * sin
    down = half[..., 0] * sin + half[..., 1] * cos
    reach = np.stack([across, down], axis=-1)
    return np.concatenate([centre - reach, centre + reach], axis=-1)
