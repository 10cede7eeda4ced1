"""Where the boxes of a detector lie, read of those anchors alone that are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...backend import Array
from .meaning import Read
from .written import turned


@dataclass(frozen=True)
class Corners:
    """Of one row; `corners[anchors]` is x0, y0, x1, y1 [..., 4] in pixels of the input.

    Args:
        reading: of the numbers of all rows.
        row: which one it is.
        numbers: its own [A, M].
        angles: how far each box is turned [A], in radians; the corners are those round it.
    """

    reading: Read
    row: int
    numbers: Array
    angles: Array | None = None

    def __getitem__(self, anchors: Any) -> Array:
        """Of the anchors of any index along them."""
        at = np.arange(len(self.numbers))[anchors]
        flat = at.ravel()
        grid = self.reading.grid
        if grid is not None:
            grid = grid.at(self.row * self.reading.anchors + flat)
        some = replace(self.reading, grid=grid, anchors=1)
        found = some.corners(self.numbers[flat].astype(np.float64))
        if self.angles is not None:
            found = turned(found, self.angles[flat].astype(np.float64))
        return found.reshape(*at.shape, 4)
