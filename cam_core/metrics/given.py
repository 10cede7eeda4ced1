"""What metrics are given, looked over at the door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..maps.boxes import as_boxes

Boxes = Sequence[Array | Sequence[Sequence[float]]]
"""For each of N maps its boxes [B, 4]: left, top, right, bottom, as `maps.boxes` has them."""


def as_maps(maps: Array, *, rank: int | None = None) -> Array:
    """Maps [N, *S] in float64.

    Raises:
        InputError: another rank, no cells, or NaN or inf.
    """
    found = np.asarray(maps, np.float64)
    if found.ndim < 2 or not found.size or rank not in (None, found.ndim - 1):
        wanted = {None: "[N, *S]", 2: "[N, H, W]"}.get(rank, f"of {rank} axes after N")
        raise InputError(f"maps of shape {found.shape} are not {wanted}")
    bad = ~np.isfinite(found).all(axis=tuple(range(1, found.ndim)))
    if bad.any():
        raise InputError(f"map {int(bad.argmax())} holds NaN or inf: leave that row out")
    return found


def as_positive(maps: Array, *, rank: int | None = None) -> Array:
    """Maps [N, *S] that are nowhere below 0, in float64.

    Raises:
        InputError: as `as_maps`, or a value below 0.
    """
    found = as_maps(maps, rank=rank)
    if found.min() < 0:
        raise InputError(
            f"maps reach down to {found.min():.3g}: this metric takes `Explanation.map` or a "
            "heatmap, the positive part of one that is signed"
        )
    return found


def as_heatmaps(maps: Array, *, rank: int | None = None) -> Array:
    """Maps [N, *S] in [0, 1], in float64.

    Raises:
        InputError: as `as_positive`, or a value above 1.
    """
    found = as_positive(maps, rank=rank)
    if found.max() > 1:
        raise InputError(
            f"maps reach {found.max():.3g}: this metric takes heatmaps in [0, 1], as "
            "`Explanation.heatmap` makes them"
        )
    return found


def pair_of(a: Array, b: Array) -> tuple[Array, Array]:
    """Two maps a row, [N, *S] each, in float64.

    Raises:
        InputError: as `as_maps`, or two shapes.
    """
    first, second = as_maps(a), as_maps(b)
    if first.shape != second.shape:
        raise InputError(
            f"maps of shape {first.shape} and {second.shape} are not compared cell by cell: "
            "bring both to one size, as `Explanation.heatmap(size)` does"
        )
    return first, second


def boxes_of_rows(boxes: Boxes, maps: Array) -> list[Array]:
    """The boxes of each map [N, H, W], [B, 4] with at least one.

    Raises:
        InputError: not as many lists as maps, a map without a box, or one that leaves its map.
    """
    if len(boxes) != len(maps):
        raise InputError(f"{len(boxes)} lists of boxes for {len(maps)} maps: each map has a list")
    found = [as_boxes(one) for one in boxes]
    (height, width), slack = maps.shape[1:], 1  # a label may be rounded
    for row, one in enumerate(found):
        if not len(one):
            raise InputError(f"map {row} has no box: leave that row out")
        far = (one > np.array([width, height] * 2) + slack).any(axis=1) | (one < -slack).any(axis=1)
        if far.any():
            raise InputError(
                f"box {one[far][0].tolist()} leaves map {row} of {width} x {height}: bring the map "
                "to the size at which the boxes were labelled, as `Placement.to_photo` does"
            )
    return found


def masks_of(masks: Array, shape: tuple[int, ...]) -> Array:
    """Masks bool of that shape [N, *S], each with at least one cell.

    Raises:
        InputError: another shape, or an empty mask.
    """
    found = np.asarray(masks).astype(bool)
    if found.shape != shape:
        raise InputError(f"masks of shape {found.shape} for maps of {shape}: bring both to one")
    empty = ~found.any(axis=tuple(range(1, found.ndim)))
    if empty.any():
        raise InputError(f"the mask of map {int(empty.argmax())} is empty: leave that row out")
    return found


def share(part: Array, whole: Array) -> Array:
    """part / whole, and NaN where whole is 0."""
    zero = whole == 0
    found: Array = np.where(zero, np.nan, part / np.where(zero, 1.0, whole))
    return found


def cast(values: Array, kind: np.dtype[Any]) -> Array:
    """Values in the type of an input; those of whole numbers are rounded, and cut at its ends."""
    if not np.issubdtype(kind, np.integer):
        return values.astype(kind)
    ends = np.iinfo(kind)
    return np.clip(np.rint(values), ends.min, ends.max).astype(kind)
