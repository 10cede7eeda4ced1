"""What of an input a map covers."""

from __future__ import annotations

from dataclasses import dataclass

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

    def along(self, rank: int) -> tuple[int, ...]:
        """Which axes of a picture of `rank` axes the map runs along; all of them where unknown."""
        if len(self.space) != rank or len(self.axes) == rank:
            return tuple(range(rank))
        return tuple(self.space.index(axis) for axis in self.axes)

    @property
    def whole(self) -> bool:
        """Does it cover all of the input?"""
        return all(window == (0, 1) for window in self.windows)


@dataclass(frozen=True)
class Places:
    """How a tensor is read as [N, K, *S] with S in the order and direction of an input's places."""

    layout: str
    """As `Layout.text` or `Arrangement.text` writes it."""
    region: Region
    """What of the input its cells cover, axis by axis of S."""
