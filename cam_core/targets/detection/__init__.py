"""A detector's numbers as boxes: where they are in its outputs, what they mean, which remain."""

from .found import LIKELY, Box, Detections
from .meaning import corners
from .suppression import overlap, suppress

__all__ = ["LIKELY", "Box", "Detections", "corners", "overlap", "suppress"]
