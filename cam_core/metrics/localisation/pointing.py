"""Does a map lie in the boxes of what it is about? By its maximum, and by all of it."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...maps.boxes import inside
from ..given import Boxes, as_positive, boxes_of_rows, share


def pointing_game(maps: Array, boxes: Boxes, *, tolerance: float = 0.0) -> Array:
    """1 where the map's maximum lies in a box, else 0 (Zhang et al. 2016, section 4.1).

    Of several maxima the share that does, so that no order of cells decides. A map without heat
    points nowhere: 0.

    Args:
        maps: [N, H, W], not negative.
        boxes: of each map, in its pixels.
        tolerance: how many pixels beside a box still count; the paper has 15 on whole photos.

    Returns:
        Float64 [N].
    """
    maps = as_positive(maps, rank=2)
    rows = zip(maps, boxes_of_rows(boxes, maps), strict=True)
    return np.array([_hits(one, held, tolerance) for one, held in rows])


def _hits(heat: Array, boxes: Array, tolerance: float) -> float:
    if not heat.any():
        return 0.0
    y, x = (np.argwhere(heat == heat.max()) + 0.5).T  # [maxima]
    left, top, right, bottom = boxes.T[..., None]  # [B, 1]
    off_x = np.maximum(np.maximum(left - x, x - right), 0)
    off_y = np.maximum(np.maximum(top - y, y - bottom), 0)
    return float(np.mean((np.hypot(off_x, off_y) <= tolerance).any(axis=0)))


def energy_in_box(maps: Array, boxes: Boxes) -> Array:
    """sum of L in the boxes / sum of L (Wang et al. 2020, Score-CAM, section 4.3).

    Args:
        maps: [N, H, W], not negative.
        boxes: of each map, in its pixels; several count as one region.

    Returns:
        Float64 [N] in [0, 1]; NaN of a map without heat.
    """
    maps = as_positive(maps, rank=2)
    rows = zip(maps, boxes_of_rows(boxes, maps), strict=True)
    within = np.array([one[inside(held, one.shape)].sum() for one, held in rows])
    return share(within, maps.sum(axis=(1, 2)))
