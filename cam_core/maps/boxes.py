"""A heatmap -> the segments above a threshold -> boxes, and back to the cells in a box.

A box is left, top, right, bottom in pixels, at their edges: cell (i, j) of a map [H, W] covers
[j, j + 1) x [i, i + 1). The box of one cell is (j, i, j + 1, i + 1), that of the whole map is
(0, 0, W, H), and a cell lies in a box if its centre does. Tools that give the last pixel of a box
instead of its edge have right and bottom less by 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..backend import Array
from ..errors import InputError

if TYPE_CHECKING:
    from ..targets.asking import Placed

Threshold = float | Literal["otsu"]
"""A part of the map's maximum, in [0, 1), or Otsu's."""
GRADCAM, CAM = 0.15, 0.2
"""The thresholds of Selvaraju et al. 2017, section 4.1, and Zhou et al. 2016, section 3.2."""


def cells_above(heat: Array, threshold: Threshold = GRADCAM) -> Array:
    """Where heat > threshold * max(heat), bool [H, W]; nowhere on a map without heat.

    Raises:
        InputError: the map is not [H, W], or has values below 0 or none at all.
    """
    heat = _map_of(heat)
    if threshold == "otsu":
        return heat > otsu(heat)
    if isinstance(threshold, str) or not 0 <= threshold < 1:
        raise InputError(
            f"threshold {threshold!r} is no part of a map's maximum: 0 to below 1, or 'otsu'"
        )
    found: Array = heat > threshold * heat.max()
    return found


def otsu(values: Array) -> float:
    """The largest value of the lower of two classes, split as Otsu 1979, eq. 14, does.

    t maximises w0 w1 (m0 - m1)^2, with w the share and m the mean of the values up to t and above
    it. Exact, over all values and no histogram. Values that are all equal have one class.
    """
    ranked = np.sort(values, axis=None).astype(np.float64)
    below = np.flatnonzero(np.diff(ranked) > 0)  # the last index of each value but the largest
    if not below.size:
        return float(ranked[-1])
    w0 = (below + 1) / ranked.size
    sums = np.cumsum(ranked)[below]
    m0, m1 = sums / (below + 1), (ranked.sum() - sums) / (ranked.size - below - 1)
    return float(ranked[below[np.argmax(w0 * (1 - w0) * (m0 - m1) ** 2)]])


def segments(cells: Array, *, diagonal: bool = True) -> list[Array]:
    """The connected parts of cells bool [H, W], each bool [H, W], the largest first.

    `diagonal`: are cells connected that share a corner alone, as OpenCV's contours have it? Of
    equal ones the upper left goes first.
    """
    numbers, count = _numbered(cells, diagonal)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    return [numbers == 1 + i for i in np.argsort(-sizes, kind="stable")]


def segment_boxes(heat: Array, threshold: Threshold = GRADCAM, *, diagonal: bool = True) -> Array:
    """The box [B, 4] round each segment above the threshold, that of the largest segment first."""
    from scipy.ndimage import find_objects

    numbers, count = _numbered(cells_above(heat, threshold), diagonal)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    found = [(xs.start, ys.start, xs.stop, ys.stop) for ys, xs in find_objects(numbers)]
    return np.array(found, np.float64).reshape(-1, 4)[np.argsort(-sizes, kind="stable")]


def largest_box(heat: Array, threshold: Threshold = GRADCAM, *, diagonal: bool = True) -> Array:
    """The box round the largest segment, [1, 4]; [0, 4] of a map without heat."""
    return segment_boxes(heat, threshold, diagonal=diagonal)[:1]


def inside(boxes: Array | Sequence[Sequence[float]], size: tuple[int, int]) -> Array:
    """The cells of a map of that size whose centre lies in any of the boxes [B, 4], bool [H, W]."""
    found = np.zeros(size, bool)
    y, x = (np.arange(extent) + 0.5 for extent in size)
    for left, top, right, bottom in as_boxes(boxes):
        found |= ((top <= y) & (y < bottom))[:, None] & ((left <= x) & (x < right))
    return found


def rescaled(boxes: Array, size: tuple[int, int], to: tuple[int, int]) -> Array:
    """Boxes [B, 4] of a map of `size` [H, W] as those of the same picture at size `to`."""
    (h, w), (H, W) = size, to
    found: Array = as_boxes(boxes) * (W / w, H / h, W / w, H / h)
    return found


def in_photo(boxes: Array, placement: Placed) -> Array:
    """Boxes [B, 4] in pixels of the model's input as those of the photo, cut at its edges.

    What lies in a letterbox's padding alone becomes a box of no area.
    """
    (sx, _, dx), (_, sy, dy) = placement.matrix
    height, width = placement.photo
    moved = as_boxes(boxes) * (sx, sy, sx, sy) + (dx, dy, dx, dy)
    return np.clip(moved, 0, (width, height, width, height))


def as_boxes(boxes: Array | Sequence[Sequence[float]]) -> Array:
    """Float64 [B, 4].

    Raises:
        InputError: other numbers than four a box, or a right or bottom edge before the other.
    """
    found = np.asarray(boxes, np.float64)
    found = found.reshape(-1, 4) if not found.size else found
    if found.ndim != 2 or found.shape[1] != 4:
        raise InputError(f"boxes of shape {found.shape} are none: each is left, top, right, bottom")
    if np.any(found[:, :2] > found[:, 2:]):
        bad = found[np.any(found[:, :2] > found[:, 2:], axis=1)][0]
        raise InputError(f"box {bad.tolist()} ends before it begins: left, top, right, bottom")
    return found


def _numbered(cells: Array, diagonal: bool) -> tuple[Array, int]:
    """The number of each cell's segment, 0 of none, and how many there are."""
    from scipy.ndimage import label

    structure = np.ones((3, 3)) if diagonal else None
    numbers, count = label(cells, structure)
    return numbers, count


def _map_of(heat: Array) -> Array:
    heat = np.asarray(heat)
    if heat.ndim != 2 or not heat.size:
        raise InputError(f"a map of shape {heat.shape} has no boxes: it takes one map [H, W]")
    if not heat.min() >= 0:  # NaN too
        raise InputError("a map with negative values or NaN has no boxes: take its positive part")
    return heat
