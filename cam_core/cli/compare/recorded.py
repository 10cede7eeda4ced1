"""Two recordings without their photos: what both have, by its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.compare.classes import Names
from cam_core.compare.photos import Photo, of_hash
from cam_core.image import Placement

SIDE, GREY = 224, 128
"""Of the even ground that maps are drawn on."""


@dataclass(frozen=True)
class Kept:
    """What both recordings have, in place of photos."""

    pictures: Sequence[tuple[str, str]]
    """(name, hash) each."""
    names: tuple[Names, Names]
    """Those of the classes."""
    missed: Sequence[str] = ()
    """A line for each picture that one of them lacks."""
    how: str = "recorded"
    said: str = ""
    prepared: str = ""
    """Nobody knows how."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.pictures)

    def photo(self, index: int) -> Photo:
        """One of them."""
        return of_hash(*self.pictures[index], index)

    def record(self) -> dict[str, Any]:
        """As `Feeding.record`."""
        return {"labels": None, "preprocessing": None, "b_is_fed": self.how}

    def shown(self, index: int, like: Array) -> tuple[Array, Placement]:
        """An even ground of the map's shape, for nobody knows the photo."""
        rows, columns = (int(SIDE * n / max(like.shape)) for n in like.shape)
        size = max(rows, 1), max(columns, 1)
        ground = np.full((*size, 3), GREY, np.uint8)
        return ground, Placement(size, size, (0, 0, *size), size, (0, 0))
