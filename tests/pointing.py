"""The pointing game: does a map peak on the object that is meant?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array


def inside(
    maps: Array, boxes: Sequence[tuple[float, float, float, float]], *, size: int, cells: int = 0
) -> float:
    """The share of maps [N, h, w] whose peak lies in the row's box, `cells` larger on each side.

    Boxes are left, top, right, bottom in pixels of a square picture of `size`.
    """
    hits = []
    for one, (left, top, right, bottom) in zip(maps, boxes, strict=True):
        cell = size / one.shape[0]
        row, column = np.unravel_index(int(one.argmax()), one.shape)
        x, y, more = (column + 0.5) * cell, (row + 0.5) * cell, cells * cell
        held = left - more <= x <= right + more and top - more <= y <= bottom + more
        hits.append(bool(held and one.max() > 0))
    return float(np.mean(hits))
