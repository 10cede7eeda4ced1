"""A coordinate of a box, in pixels of the input: `edge:left@box:0`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from . import box
from .meaning import Read
from .numbers import gathered, spot
from .written import reading

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


@dataclass(frozen=True)
class EdgeQuestion(AwaitingTarget):
    """The same of a box that is yet to be found."""

    edge: str
    of: ScoredTarget
    asked: str

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Of each box that the other question turns out to be."""
        return [self._of(one, seen) for one in self.of.found_in(seen)]

    def _of(self, one: ScoredTarget, seen: Seen) -> EdgeTarget:
        head, size = seen.asking.head, seen.size
        assert head is not None  # a box was found
        assert head.boxes is not None
        assert size is not None
        numbers = gathered(seen.outputs, head.boxes)
        if numbers.angles is not None:
            raise TargetError(f"{self.asked}: turned boxes have no such edge; ask for {one.label}")
        levels = numbers.levels if head.boxes.gridded else None
        anchors = [facts["box"]["anchor"] for facts in one.detail]
        how = head.boxes.written, head.boxes.priors
        found = reading(numbers.values, size, levels, *how).at(anchors)
        spots = [spot(seen.outputs, head.boxes, row, a) for row, a in enumerate(anchors)]
        if len({name for name, _ in spots}) > 1:
            raise TargetError(f"{self.asked}: the rows' boxes are of several scales: one by one")
        label = f"edge:{self.edge}@{one.label}"
        places = tuple(place for _, place in spots)
        return EdgeTarget(self.edge, spots[0][0], places, found, label, one.detail)


def read(word: str, asking: Asking) -> tuple[EdgeQuestion] | None:
    """`edge:left@box:0`, `edge:w@person`, `edge:x@person@320,200`."""
    found = re.fullmatch(r"edge:([^@]*)@(.+)", word)
    if found is None:
        return None
    edge, which = found[1].strip(), found[2].strip()
    if edge not in EDGES:
        raise TargetError(f"target '{word}': no edge '{edge}'; there are {', '.join(EDGES)}")
    if asking.kind not in ("boxes", ""):
        raise TargetError(f"target '{word}' asks for a box, and the model gives {asking.kind}")
    of = box.read(which, asking)
    if of is None or len(of) > 1:
        raise TargetError(f"target '{word}': one box has that edge, such as edge:{edge}@box:0")
    return (EdgeQuestion(edge, of[0], word),)


EDGE = Kind(
    "edge:left@box:0",
    "a coordinate of a box in pixels: left, top, right, bottom, x, y, w or h",
    read,
    of=("boxes",),
)
