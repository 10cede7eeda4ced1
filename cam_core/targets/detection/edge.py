"""A coordinate of a box, in pixels of the input: `edge:left@box:0`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..target import NONE, Kind, Outputs, ScoredTarget
from .meaning import Read
from .of_box import Found, OfBox, asked_box, require

EDGES: dict[str, tuple[float, ...]] = {
    "left": (1, 0, 0, 0),
    "top": (0, 1, 0, 0),
    "right": (0, 0, 1, 0),
    "bottom": (0, 0, 0, 1),
    "x": (0.5, 0, 0.5, 0),
    "y": (0, 0.5, 0, 0.5),
    "w": (-1, 0, 1, 0),
    "h": (0, -1, 0, 1),
}
"""What of the corners x0, y0, x1, y1; x and y are the centre."""


@dataclass(frozen=True, eq=False)
class EdgeTarget(ScoredTarget):
    """Y = a coordinate of the box of one anchor a row, as its numbers are decoded.

    Which numbers they are is held, and so is how the file's were read.
    """

    edge: str
    output: str
    places: tuple[tuple[Any, ...], ...]
    """Of each row, where in the output its four numbers are: (row, ..., slice, ...)."""
    reading: Read
    """Numbers [N, 4] of these anchors -> corners [N, 4]."""
    label: str = "edge"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    unit = "pixels"
    single = False

    @property
    def tensor(self) -> str:
        """The output with the boxes."""
        return self.output

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy, through the decoding."""
        slope = np.zeros_like(y)
        each = np.einsum("e,nej->nj", EDGES[self.edge], self.reading.slopes(self._numbers(y)))
        for place, found in zip(self.places, each, strict=True):
            slope[place] = found
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], in pixels of the input."""
        found: Array = self.reading.corners(self._numbers(y)) @ np.array(EDGES[self.edge])
        return found

    def classes(self, y: Array) -> None:
        """None: it is about a box."""

    @property
    def probability(self) -> float | None:
        """Of the box."""
        found: float | None = self._box.get("probability")
        return found

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """Which side of what."""
        if not self._box:
            return ""
        return f"{self.edge} of {self._box['label'] or 'class ' + str(self._box['class'])}"

    @property
    def _box(self) -> Mapping[str, Any]:
        return self.detail[0].get("box", {}) if len(self.detail) == 1 else {}

    def _numbers(self, y: Array) -> Array:
        if len(y) != len(self.places):
            raise TargetError(f"{self.label}: found in {len(self.places)} rows, not in {len(y)}")
        return np.stack([y[place] for place in self.places]).astype(np.float64)


def edge_of(found: Found, edge: str) -> EdgeTarget:
    """An edge of a box that was found.

    Raises:
        TargetError: the boxes are turned.
    """
    require("edge", found.asked, found.boxes)
    output, places = found.places(found.boxes)
    label = f"edge:{edge}@{found.target.label}"
    return EdgeTarget(edge, output, places, found.read, label, found.target.detail)


def read(word: str, asking: Asking) -> tuple[OfBox] | None:
    """`edge:left@box:0`, `edge:w@person`, `edge:x@person@320,200`."""
    found = re.fullmatch(r"edge:([^@]*)@(.+)", word)
    if found is None:
        return None
    edge, which = found[1].strip(), found[2].strip()
    if edge not in EDGES:
        raise TargetError(f"target '{word}': no edge '{edge}'; there are {', '.join(EDGES)}")
    of = asked_box(word, which, asking)
    if asking.head is not None and asking.head.boxes is not None:
        require("edge", word, asking.head.boxes)
    return (OfBox(of, word, edge_of, (edge,)),)


EDGE = Kind(
    "edge:left@box:0",
    "a coordinate of a box in pixels: left, top, right, bottom, x, y, w or h",
    read,
    of=("boxes",),
)
