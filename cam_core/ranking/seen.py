"""What of the model's input is the photo, and boxes of the photo in the input's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..maps.boxes import as_boxes, inside


@dataclass(frozen=True)
class Seen:
    """The part of the input that the photo fills; a letterbox has padding around it."""

    corner: tuple[int, int]
    """Its top and left."""
    inner: tuple[int, int]
    """Its height and width."""
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    """(x, y, 1) of the input -> (x, y) of the photo, as `Placement.matrix`."""

    @property
    def part(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        (top, left), (height, width) = self.corner, self.inner
        return slice(top, top + height), slice(left, left + width)

    def boxes(self, boxes: Array | Sequence[Sequence[float]]) -> Array:
        """Boxes [B, 4] of the photo in pixels of that part, cut at its edges."""
        (sx, _, dx), (_, sy, dy) = self.matrix
        (top, left), (height, width) = self.corner, self.inner
        moved = (as_boxes(boxes) - (dx, dy, dx, dy)) / (sx, sy, sx, sy) - (left, top, left, top)
        found: Array = np.clip(moved, 0, (width, height, width, height))
        return found

    def shows(self, boxes: Array | Sequence[Sequence[float]]) -> bool:
        """Does the model see a cell of any of them?"""
        return bool(inside(self.boxes(boxes), self.inner).any())
