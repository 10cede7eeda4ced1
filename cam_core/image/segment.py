"""The largest segment of a heatmap that lies on the photo: its cells, its box, its pixels."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array
from cam_core.maps.boxes import GRADCAM, Threshold, cells_above, in_photo, segments

from .place import Placement


def largest_segment(
    heat: Array, placement: Placement, threshold: Threshold = GRADCAM
) -> Array | None:
    """The cells of the input in the largest segment above a threshold, bool [h, w].

    Only the cells that show the photo count, also for the maximum: a letterbox's padding is none
    of it. None where they have no heat.

    Args:
        heat: [h, w] over the model's whole input, not negative.
        threshold: a part of the maximum, or "otsu".
    """
    shown = showing(placement)
    found = segments(cells_above(heat[shown], threshold))
    if not found:
        return None
    cells = np.zeros(heat.shape, bool)
    cells[shown] = found[0]
    return cells


def showing(placement: Placement) -> tuple[slice, slice]:
    """The rows and columns of the input that show the photo."""
    (top, left), (height, width) = placement.corner, placement.inner
    return slice(top, top + height), slice(left, left + width)


def box_on_photo(cells: Array, placement: Placement) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the cells of an input in pixels of the photo, at the edges."""
    ys, xs = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    box = np.array([[xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]], np.float64)
    left, top, right, bottom = in_photo(box, placement)[0].tolist()
    return left, top, right, bottom


def pixels_on_photo(cells: Array, placement: Placement) -> Array:
    """The photo's pixels whose centre lies in one of the cells of an input, bool [H, W]."""
    (sx, _, dx), (_, sy, dy) = placement.matrix
    spans = zip(placement.photo, (sy, sx), (dy, dx), strict=True)
    rows, columns = (
        np.floor((np.arange(extent) + 0.5 - shift) / scale).astype(np.intp)
        for extent, scale, shift in spans
    )
    inside = [(at >= 0) & (at < n) for at, n in zip((rows, columns), cells.shape, strict=True)]
    found = cells[np.ix_(np.where(inside[0], rows, 0), np.where(inside[1], columns, 0))]
    on_photo: Array = found & inside[0][:, None] & inside[1]
    return on_photo
