"""A map small enough to be kept of every photo: where it lies, not how it looks."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...compare.photos import Seen

SIDE = 8
"""Cells of each side at most; what a network ends in is mostly 7 x 7."""


def small_map(seen: Seen) -> list[float] | None:
    """The positive part as shares of its sum, row by row; None of a blank map, or of no plane.

    A side of more than SIDE cells is brought to so many, each the mean of what it covers.
    """
    if seen.blank or seen.signed.ndim != 2 or not np.isfinite(seen.signed).all():
        return None
    heat = np.maximum(seen.signed, 0).astype(np.float64)
    for axis in (0, 1):
        if heat.shape[axis] > SIDE:
            heat = averages(heat, axis)
    found: list[float] = (heat / heat.sum()).ravel().tolist()
    return found


def rows_of(seen: Seen) -> int | None:
    """How many rows of cells are kept; None of no plane."""
    return min(len(seen.signed), SIDE) if seen.signed.ndim == 2 else None


def averages(heat: Array, axis: int) -> Array:
    """SIDE means along one axis; a cell that lies in two parts counts in both by its share."""
    count = heat.shape[axis]
    edges = np.arange(SIDE + 1) * count / SIDE
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(count)
    weights = np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, None)  # [SIDE, n]
    moved = np.tensordot(weights * SIDE / count, heat, (1, axis))
    return np.moveaxis(moved, 0, axis)
