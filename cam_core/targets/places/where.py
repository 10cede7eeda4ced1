"""Which cells of a score a point, an area or a mask of the photo names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...places import read_places, write_places
from ...region import Places, Region
from ..asking import Seen
from ..examples import Facts
from ..scores import find_axis

NAMES = "xyz"
"""Of the axes of a picture or a volume, the last first."""


@dataclass(frozen=True)
class Side:
    """One axis of S, and where its cells lie in the photo, or in the input where there is none."""

    name: str
    """x (the width, the time), y or z."""
    photo: float
    """The extent that points are given in."""
    low: float
    """Where the first cell begins."""
    high: float
    """Where the last one ends."""
    cells: int

    @property
    def centres(self) -> Array:
        """[cells]"""
        width = (self.high - self.low) / self.cells
        return self.low + (np.arange(self.cells) + 0.5) * width

    def cell(self, at: float) -> int | None:
        """Which one a coordinate lies in; None outside."""
        found = np.floor((at - self.low) / (self.high - self.low) * self.cells)
        inside = 0 <= at <= self.photo and (0 <= found < self.cells or at == self.high)
        return min(int(found), self.cells - 1) if inside else None


def places_of(seen: Seen, label: str) -> Places:
    """Where the score's cells lie.

    Raises:
        TargetError: it has no cells, or nobody knows where they lie.
    """
    head = seen.asking.head
    found = None if head is None else head.places
    if found is not None:
        return found
    lost = "" if head is None else head.nowhere
    why = f"of which cell is where was {lost}" if lost else "whose numbers lie at no known place"
    kind = "a score" if head is None else head.kind
    raise TargetError(f"{label} names a place, and the model gives {kind}, {why}: ask for a class")


def cells_of(seen: Seen, label: str) -> tuple[int, ...]:
    """S."""
    shape: tuple[int, ...] = read_places(places_of(seen, label), seen.score[:1]).shape[2:]
    return shape


def sides(seen: Seen, label: str) -> list[Side]:
    """The axes of S in their order, the last of a picture is x."""
    region = places_of(seen, label).region
    shape, own = seen.shapes.get(region.input, ()), region.space or region.axes
    found = []
    for axis, (low, high), cells in zip(
        region.axes, region.windows, cells_of(seen, label), strict=True
    ):
        name = NAMES[len(own) - 1 - own.index(axis)]
        extent = shape[axis] if axis < len(shape) else None
        if not isinstance(extent, int):
            raise TargetError(f"{label}: the size of input '{region.input}' is open: fix it")
        start, end = (_in_photo(seen, name, part * extent) for part in (low, high))
        found.append(Side(name, _photo(seen, name, extent), start, end, cells))
    return found


def middle(region: Region, facts: Facts) -> list[float]:
    """x, y, z of the middle of the photo, as far as the map has them; [] where a size is open."""
    shape, own = facts.shapes.get(region.input, ()), region.space or region.axes
    extents = {
        NAMES[len(own) - 1 - own.index(axis)]: shape[axis] if axis < len(shape) else None
        for axis in region.axes
    }
    if facts.placement is not None:
        height, width = facts.placement.photo
        extents |= {name: one for name, one in (("y", height), ("x", width)) if name in extents}
    found = [extents[name] for name in sorted(extents)]
    return [n // 2 for n in found if isinstance(n, int)] if all(map(_whole, found)) else []


def _whole(extent: object) -> bool:
    return isinstance(extent, int)


def _in_photo(seen: Seen, name: str, at: float) -> float:
    x, y = seen.to_photo((at, at))
    return {"x": x, "y": y}.get(name, at)


def _photo(seen: Seen, name: str, extent: int) -> float:
    if seen.placement is None or name == "z":
        return extent
    return seen.placement.photo[1 if name == "x" else 0]


def at_point(point: Sequence[float], found: Sequence[Side], label: str) -> Array:
    """bool [*S]: the cell in which a point (x, y, z as far as S has them) lies.

    Raises:
        TargetError: it lies outside.
    """
    named = dict(zip(_names(found), point, strict=True))
    chosen = np.zeros([side.cells for side in found], bool)
    at = [side.cell(named[side.name]) for side in found]
    for side, cell in zip(found, at, strict=True):
        if cell is None:
            low, high = max(side.low, 0), min(side.high, side.photo)
            raise TargetError(
                f"{label}: {side.name} = {named[side.name]:g} lies outside what the model says "
                f"something about; give {side.name} from {low:.6g} to {high:.6g}"
            )
    chosen[tuple(cell for cell in at if cell is not None)] = True
    return chosen


def in_area(ends: Sequence[float], found: Sequence[Side], label: str) -> Array:
    """bool [*S]: the cells whose centres lie in x0, y0, x1, y1; of a smaller area its own cell.

    Raises:
        TargetError: it is no area, or lies outside.
    """
    lows, highs = ends[: len(found)], ends[len(found) :]
    if any(low >= high for low, high in zip(lows, highs, strict=True)):
        raise TargetError(f"{label}: an area is x0,y0,x1,y1 with x1 > x0, y1 > y0")
    spans = dict(zip(_names(found), zip(lows, highs, strict=True), strict=True))
    within = []
    for side in found:
        low, high = spans[side.name]
        within.append((side.centres >= low) & (side.centres < high))
    chosen: Array = np.all(np.meshgrid(*within, indexing="ij"), axis=0)
    if chosen.any():
        return chosen
    middle = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
    return at_point(middle, found, label)


def under_mask(mask: Array, found: Sequence[Side], label: str) -> Array:
    """bool [*S]: the cells whose centres a mask [*photo] covers.

    Raises:
        TargetError: it has another size than the photo, or covers no cell.
    """
    size = tuple(int(side.photo) for side in found)
    if mask.shape != size:
        have, want = ("x".join(map(str, shape)) for shape in (mask.shape, size))
        raise TargetError(f"{label}: the mask is {have}, the photo {want}: make it that size")
    index = [np.floor(side.centres).astype(np.intp) for side in found]
    seen = [(i >= 0) & (i < n) for i, n in zip(index, size, strict=True)]
    values = mask[np.ix_(*(np.clip(i, 0, n - 1) for i, n in zip(index, size, strict=True)))]
    chosen: Array = (values != 0) & np.all(np.meshgrid(*seen, indexing="ij"), axis=0)
    if not chosen.any():
        raise TargetError(
            f"{label}: the mask covers the centre of none of the model's "
            f"{'x'.join(str(side.cells) for side in found)} cells"
        )
    return chosen


def numbers_of(chosen: Array, seen: Seen, label: str, *, classes: bool) -> Array:
    """What is said of cells [N, *S], at the score's own numbers: its axes but rows and classes.

    `classes`: has the score an axis of classes?
    """
    found = write_places(places_of(seen, label), chosen, seen.score)
    if not classes:
        return found
    axis = find_axis(seen.score, seen.asking.class_axis)
    own: Array = found.take(0, axis)
    return own


def _names(found: Sequence[Side]) -> list[str]:
    """In the order in which points are given: x before y."""
    return sorted(side.name for side in found)
