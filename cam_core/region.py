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

    @property
    def whole(self) -> bool:
        """Does it cover all of the input?"""
        return all(window == (0, 1) for window in self.windows)
