"""The pointing game: does a map peak on the object that is meant?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array


def inside(maps: Array, boxes: Sequence[tuple[float, float, float, float]], *, size: int) -> float:
    """The share of maps [N, h, w] whose highest cell has its centre in the row's box.

    Boxes are left, top, right, bottom in pixels of a square picture of `size`.
    """
    hits = []
    for one, (left, top, right, bottom) in zip(maps, boxes, strict=True):
        cell = size / one.shape[0]
        row, column = np.unravel_index(int(one.argmax()), one.shape)
        x, y = (column + 0.5) * cell, (row + 0.5) * cell
        hits.append(bool(left <= x <= right and top <= y <= bottom and one.max() > 0))
    return float(np.mean(hits))
