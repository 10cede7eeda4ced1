"""Non-maximum suppression: of boxes of one class that lie over one another the best remains."""

from __future__ import annotations

import numpy as np

from ...backend import Array

OVERLAP = 0.5
"""Intersection over union from which on two boxes are about one object (Everingham et al. 2010)."""


def overlap(box: Array, boxes: Array) -> Array:
    """Intersection over union [M] of a box [4] with boxes [M, 4]; corners x0, y0, x1, y1."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    both = _area(box[None]) + _area(boxes) - shared
    found: Array = np.divide(shared, both, out=np.zeros_like(shared), where=both > 0)
    return found


def suppress(
    boxes: Array, scores: Array, classes: Array, *, most: int, least: float = OVERLAP
) -> list[int]:
    """The indices of what remains, the best first.

    Args:
        boxes: corners [M, 4].
        scores: [M].
        classes: int [M]; boxes of different classes leave one another alone.
        most: no more than this many.
        least: the intersection over union from which on the lower of two boxes goes.
    """
    kept: list[int] = []
    order = np.argsort(-scores, kind="stable")
    while order.size and len(kept) < most:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        same = classes[rest] == classes[best]
        order = rest[~(same & (overlap(boxes[best], boxes[rest]) >= least))]
    return kept


def _area(boxes: Array) -> Array:
    found: Array = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
    return found
