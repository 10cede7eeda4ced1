"""How much of a map lies on the object, on other objects, on the background and at the border.

L is the positive map over the model's input, of that what shows the photo. The share of a region R
is sum of L in R / sum of L (Wang et al. 2020, Score-CAM, section 4.3). A map that is the same
everywhere has the share of the region's area, which is said beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...compare.photos import Seen
from ...maps.boxes import inside
from ...maps.combine import laid_over
from ...targets import Placed
from ..data import Thing

NAN = float("nan")
BORDER = 0.1
"""The border: so much of each extent on each side, 36 % of the area."""


@dataclass(frozen=True)
class Energies:
    """Shares of a map, from 0 to 1; NaN of a blank one, and where nobody marked anything."""

    object: float = NAN
    other: float = NAN
    background: float = NAN
    border: float = NAN
    object_size: float = NAN
    """Of the area that the model sees."""
    other_size: float = NAN


def energies(
    seen: Seen, placement: Placed | None, objects: Sequence[Thing], others: Sequence[Thing]
) -> Energies:
    """Of one map.

    Args:
        seen: the map.
        placement: where the photo lies in the input; None: it is no photo.
        objects: what the map is about.
        others: what else is marked; what is both counts as the object.
    """
    if placement is None or seen.signed.ndim != 2 or not np.isfinite(seen.signed).all():
        return Energies()
    part, heat = shown(placement), None
    if not seen.blank:
        signed = np.maximum(seen.signed, 0)[None].astype(np.float32)
        heat = laid_over(signed, placement.size, seen.region)[0][part]
    total = 0.0 if heat is None else float(heat.sum(dtype=np.float64))
    edge = NAN if heat is None or not total > 0 else at_border(heat) / total
    if not (objects or others):
        return Energies(border=edge)
    own, rest = (covered(things, placement)[part] for things in (objects, others))
    rest &= ~own
    sizes = (float(own.mean()) if objects else NAN), float(rest.mean())
    if heat is None or not total > 0:
        return Energies(object_size=sizes[0], other_size=sizes[1])
    of_own, of_rest = (float(heat[of].sum(dtype=np.float64)) / total for of in (own, rest))
    on_own = of_own if objects else NAN
    return Energies(on_own, of_rest, 1 - of_own - of_rest, edge, *sizes)


def shown(placement: Placed) -> tuple[slice, slice]:
    """The rows and columns of the input whose centres show the photo; padding does not."""
    (sx, _, dx), (_, sy, dy) = placement.matrix
    spans = []
    for extent, size, scale, shift in zip(
        placement.photo, placement.size, (sy, sx), (dy, dx), strict=True
    ):
        at = (np.arange(size) + 0.5) * scale + shift
        within = np.flatnonzero((at >= 0) & (at < extent))
        spans.append(slice(int(within[0]), int(within[-1]) + 1))
    return spans[0], spans[1]


def covered(things: Sequence[Thing], placement: Placed) -> Array:
    """The pixels of the input whose centre lies on any of them, bool [h, w]."""
    found = np.zeros(placement.size, bool)
    (sx, _, dx), (_, sy, dy) = placement.matrix
    boxes = [thing.box[1:] for thing in things if thing.mask is None]
    if boxes:
        moved = (np.array(boxes, np.float64) - (dx, dy, dx, dy)) / (sx, sy, sx, sy)
        found |= inside(moved, placement.size)
    for thing in things:
        if thing.mask is not None:
            found |= _laid(thing.mask(), placement)
    return found


def at_border(heat: Array) -> float:
    """The sum over the outermost BORDER of each extent, a cell at least."""
    rows, columns = (max(1, round(BORDER * extent)) for extent in heat.shape)
    inner = heat[rows:-rows, columns:-columns]
    return float(heat.sum(dtype=np.float64) - inner.sum(dtype=np.float64))


def _laid(mask: Array, placement: Placed) -> Array:
    """A mask of the photo at the pixels of the input, each at its centre."""
    (sx, _, dx), (_, sy, dy) = placement.matrix
    h, w = placement.size
    y, x = (np.arange(h) + 0.5) * sy + dy, (np.arange(w) + 0.5) * sx + dx
    rows, columns = (np.floor(at).astype(np.intp) for at in (y, x))
    height, width = mask.shape
    seen = np.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    held: Array = mask[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    return held & seen
