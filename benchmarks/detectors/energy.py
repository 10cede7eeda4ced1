"""Of one map over a photo: how much of it lies in boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array

Corners = Sequence[float]
"""x0, y0, x1, y1 in pixels."""


@dataclass(frozen=True)
class Figures:
    """One box of one photo by one method."""

    own: float
    """The share of the map's energy in the box itself."""
    times: float
    """That, in units of the box's share of the photo: 1 is a map that knows nothing."""
    inside: bool
    """Does the peak lie in the box?"""
    labelled: float | None
    """The share on the labelled object that the box overlaps best; None where there is none."""
    others: float | None
    """The share on other labelled objects of its class alone; None where there are none."""
    others_area: float | None
    """The share of the photo that these cover."""


def figures(heat: Array, box: Corners, labelled: Sequence[Corners]) -> Figures:
    """Of a map [H, W], not negative.

    Args:
        heat: over the photo.
        box: the one that is explained.
        labelled: the objects of its class.
    """
    where = inside(box, heat.shape)
    peak = np.unravel_index(int(heat.argmax()), heat.shape)
    own = share(heat, where)
    overlaps = [overlap(box, one) for one in labelled]
    best = int(np.argmax(overlaps)) if overlaps and max(overlaps) > 0 else None
    if best is None:
        return Figures(own, own / where.mean(), bool(where[peak]), None, None, None)
    mine = inside(labelled[best], heat.shape)
    rest = [inside(one, heat.shape) for i, one in enumerate(labelled) if i != best]
    others = np.any(rest, axis=0) & ~mine if rest else None
    shown = others is not None and bool(others.any())
    return Figures(
        own,
        own / where.mean(),
        bool(where[peak]),
        share(heat, mine),
        share(heat, others) if shown and others is not None else None,
        float(others.mean()) if shown and others is not None else None,
    )


def share(heat: Array, where: Array) -> float:
    """Of the energy; 0 of a map that is blank."""
    total = float(heat.sum())
    return float(heat[where].sum()) / total if total > 0 else 0.0


def inside(box: Corners, size: Sequence[int]) -> Array:
    """The pixels [H, W] that a box touches."""
    x0, y0, x1, y1 = box
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])[None]
    found: Array = (rows + 1 > y0) & (rows < y1) & (columns + 1 > x0) & (columns < x1)
    return found


def overlap(a: Corners, b: Corners) -> float:
    """Intersection over union."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - width * height
    return width * height / both if both > 0 else 0.0
