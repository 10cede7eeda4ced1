"""Pixels: read a photo, make the model's input of it, and paint a heatmap back over it."""

from .colour import jet, overlay
from .crop import Cut, crops, cut
from .figure import beside, card
from .marks import Mark, Outline
from .panels import Panel, sheet
from .place import Placement, place
from .preprocess import Prepared, preprocess
from .presets import DETECTORS, PRESETS, Preprocess
from .read import read
from .views import View, view

__all__ = [
    "DETECTORS",
    "PRESETS",
    "Cut",
    "Mark",
    "Outline",
    "Panel",
    "Placement",
    "Prepared",
    "Preprocess",
    "View",
    "beside",
    "card",
    "crops",
    "cut",
    "jet",
    "overlay",
    "place",
    "preprocess",
    "read",
    "sheet",
    "view",
]
