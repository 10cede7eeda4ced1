"""A detector's numbers as boxes: where they are in its outputs, what they mean, which remain."""

from ..asking import LIKELY
from .found import Box, Detections
from .meaning import corners
from .suppression import overlap, suppress
from .written import ANCHORED, BESIDE_BACKGROUND, CENTRES, DOWN_FIRST, WRITTEN

__all__ = [
    "ANCHORED",
    "BESIDE_BACKGROUND",
    "CENTRES",
    "DOWN_FIRST",
    "LIKELY",
    "WRITTEN",
    "Box",
    "Detections",
    "corners",
    "overlap",
    "suppress",
]
