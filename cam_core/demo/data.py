"""What is in the package: two models, and scenes whose objects are known.

`demo.onnx` is a classifier; `detector.onnx` a detector with the raw output of YOLOv8.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from ..backend import Array

FOLDER = files(__package__)
MODEL = FOLDER / "demo.onnx"
LABELS = FOLDER / "labels.txt"
DETECTOR = FOLDER / "detector.onnx"
PREPROCESS = "unit"
"""The preset that the model was trained with: pixels / 255."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    label: str
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""

    @property
    def middle(self) -> tuple[float, float]:
        """x and y of its centre."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    def holds(self, x: float, y: float) -> bool:
        """Is the point in the box?"""
        left, top, right, bottom = self.box
        return left <= x <= right and top <= y <= bottom


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it."""

    file: Traversable
    things: tuple[Thing, ...]

    def pixels(self) -> Array:
        """RGB uint8 [H, W, 3]."""
        import numpy as np
        from PIL import Image

        with self.file.open("rb") as stream:
            return np.array(Image.open(stream).convert("RGB"))


def load_scenes() -> list[Scene]:
    """The scenes of the package, in order."""
    return _load(FOLDER / "scenes.json")


def load_crowds() -> list[Scene]:
    """Scenes for the detector: the first two things of each are of one class."""
    return _load(FOLDER / "crowds.json")


def _load(listed: Traversable) -> list[Scene]:
    records = json.loads(listed.read_text(encoding="utf-8"))
    return [
        Scene(
            FOLDER.joinpath(record["file"]),
            tuple(Thing(thing["label"], tuple(thing["box"])) for thing in record["things"]),
        )
        for record in records
    ]
