"""Pixels: read a photo, make the model's input of it, and paint a heatmap back over it."""

from .colour import jet, overlay
from .figure import card
from .place import Placement, place
from .preprocess import Prepared, preprocess
from .presets import PRESETS, Preprocess
from .read import read

__all__ = [
    "PRESETS",
    "Placement",
    "Prepared",
    "Preprocess",
    "card",
    "jet",
    "overlay",
    "place",
    "preprocess",
    "read",
]
