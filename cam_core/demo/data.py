"""What is in the package: `demo.onnx`, its labels, and scenes whose objects are known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from ..backend import Array

FOLDER = files(__package__)
MODEL = FOLDER / "demo.onnx"
LABELS = FOLDER / "labels.txt"
PREPROCESS = "unit"
"""The preset that the model was trained with: pixels / 255."""


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    label: str
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""

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
    records = json.loads((FOLDER / "scenes.json").read_text(encoding="utf-8"))
    return [
        Scene(
            FOLDER.joinpath(record["file"]),
            tuple(Thing(thing["label"], tuple(thing["box"])) for thing in record["things"]),
        )
        for record in records
    ]
