"""What of an input a map covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    shifts: tuple[Window, ...] = ()
    """Of an input of any size: cells by which the windows begin and end later, however long it is
    (a file that puts 200 samples round a signal); () where none do."""

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
