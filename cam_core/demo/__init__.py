"""Two small models and scenes with known boxes, made by examples/demo and examples/detector."""

from .data import DETECTOR, LABELS, MODEL, PREPROCESS, Scene, Thing, load_crowds, load_scenes

__all__ = [
    "DETECTOR",
    "LABELS",
    "MODEL",
    "PREPROCESS",
    "Scene",
    "Thing",
    "load_crowds",
    "load_scenes",
]
