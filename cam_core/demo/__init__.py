"""A small model and scenes with known boxes, made by `examples/demo/train.py`."""

from .data import LABELS, MODEL, PREPROCESS, Scene, Thing, load_scenes

__all__ = ["LABELS", "MODEL", "PREPROCESS", "Scene", "Thing", "load_scenes"]
