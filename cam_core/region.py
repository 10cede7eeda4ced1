"""What of an input a map covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

Window = tuple[float, float]
"""From where to where, as parts of the extent: (0, 1) is all of it."""


@dataclass(frozen=True)
class Region:
    """The part of an input that a map descends from: a file may crop, pad or enlarge inside."""

    input: str
    """Whose places the map has."""
    axes: tuple[int, ...]
    """The axes of that input along which the map runs, in its order."""
    windows: tuple[Window, ...]
    """What the map covers of each of them; beyond 0 and 1 lies what the file padded."""
    space: tuple[int, ...] = ()
    """All axes of places that the input has: along those that are not in `axes` nothing is told
    apart."""
    folded: tuple[tuple[int, int], ...] = ()
    """(axis, extent) of those that the file lays the input's last axis out in: [N, 784] as 28 x 28.
    Axes are then those of an input that has these in its place."""
    shifts: tuple[Window, ...] = ()
    """Of an input of any size: cells by which the windows begin and end later, however long it is
    (a file that puts 200 samples round a signal); () where none do."""

    @property
    def layout(self) -> str:
        """What the last axis is laid out as, in words; '' where it is not."""
        return " x ".join(str(extent) for _, extent in self.folded)

    def picture_of(self, size: Sequence[int]) -> tuple[int, ...]:
        """The extents of the picture that an axis of that size is; () where it is none."""
        extents = dict(self.folded)
        picture = tuple(extents.get(axis, 0) for axis in self.axes)
        return picture if len(size) == 1 < len(picture) and prod(picture) == size[0] else ()

    def at(self, shape: Sequence[int]) -> Region:
        """The region of an input of that shape."""
        if not self.shifts:
            return self
        rows = zip(self.axes, self.windows, self.shifts, strict=True)
        found = tuple(
            (low + before / shape[axis], high + after / shape[axis])
            for axis, (low, high), (before, after) in rows
        )
        return replace(self, windows=found, shifts=())

    def along(self, rank: int) -> tuple[int, ...]:
        """Which axes of a picture of `rank` axes the map runs along; all of them where unknown."""
        if len(self.space) != rank or len(self.axes) == rank:
            return tuple(range(rank))
        return tuple(self.space.index(axis) for axis in self.axes)

    @property
    def whole(self) -> bool:
        """Does it cover all of the input?"""
        return not self.shifts and all(window == (0, 1) for window in self.windows)


@dataclass(frozen=True)
class Places:
    """How a tensor is read as [N, K, *S] with S in the order and direction of an input's places."""

    layout: str
    """As `Layout.text` or `Arrangement.text` writes it."""
    region: Region
    """What of the input its cells cover, axis by axis of S."""
