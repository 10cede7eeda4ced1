"""A keypoint of a box: its probability, or a coordinate in pixels: `keypoint:3@box:0`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...head import BoxNumbers
from ..asking import Asking, Seen
from ..target import NONE, AwaitingTarget, Kind, Outputs, ScoredTarget
from . import box
from .numbers import spot

COORDINATES = {"x": 0, "y": 1}
SCORE = 2
"""Where a keypoint has its probability, behind the coordinates."""


@dataclass(frozen=True, eq=False)
class KeypointTarget(ScoredTarget):
    """Y = log p of a keypoint of one box a row, or a coordinate of it in pixels of the input.

    Of probabilities the logarithm, as of boxes of which the file gives no logit.
    """

    output: str
    places: tuple[tuple[Any, ...], ...]
    """Of each row, where in the output its number is."""
    logarithm: bool
    label: str = "keypoint"
    detail: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    single = False

    @property
    def tensor(self) -> str:
        """The output with the keypoints."""
        return self.output

    @property
    def unit(self) -> str:
        """Of the number."""
        return "log-probability" if self.logarithm else "pixels"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1, or 1 / p, at the number."""
        slope = np.zeros_like(y)
        for place, value in zip(self.places, self._numbers(y), strict=True):
            slope[place] = 1 / value if self.logarithm else 1
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        found = self._numbers(y)
        return np.log(found) if self.logarithm else found

    def classes(self, y: Array) -> None:
        """None: it is about a keypoint."""

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """Which keypoint of what."""
        facts = self.detail[0].get("box", {}) if len(self.detail) == 1 else {}
        which = self.label.partition("@")[0].replace(":", " ")
        return f"{which} of {facts['label'] or 'class ' + str(facts['class'])}" if facts else ""

    def _numbers(self, y: Array) -> Array:
        """[N], in float64; a probability that is 0 is as small as its type can say."""
        if len(y) != len(self.places):
            raise TargetError(f"{self.label}: found in {len(self.places)} rows, not in {len(y)}")
        found = np.array([y[place].item() for place in self.places], np.float64)
        return np.maximum(found, np.finfo(y.dtype).tiny) if self.logarithm else found


@dataclass(frozen=True)
class KeypointQuestion(AwaitingTarget):
    """The same of a box that is yet to be found."""

    number: int
    """Counted from 0, as the tools of such models do."""
    coordinate: str
    """x or y; '': its probability."""
    of: ScoredTarget
    asked: str

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Of each box that the other question turns out to be."""
        return [self._of(one, seen) for one in self.of.found_in(seen)]

    def _of(self, one: ScoredTarget, seen: Seen) -> KeypointTarget:
        head = seen.asking.head
        assert head is not None  # a box was found
        assert head.boxes is not None
        at = self._at(head.boxes, seen)
        numbers = replace(head.boxes, start=at, count=1)
        anchors = [facts["box"]["anchor"] for facts in one.detail]
        spots = [spot(seen.outputs, numbers, row, a) for row, a in enumerate(anchors)]
        label = f"keypoint:{self.number}{self.coordinate}@{one.label}"
        places = tuple(place for _, place in spots)
        return KeypointTarget(spots[0][0], places, not self.coordinate, label, one.detail)

    def _at(self, boxes: BoxNumbers, seen: Seen) -> int:
        """Where along the axis of a box's numbers it is."""
        _require(boxes, self.asked)
        extent = seen.outputs[boxes.output].shape[boxes.axis]
        count = (extent - boxes.more) // boxes.points
        if not self.number < count:
            raise TargetError(f"{self.asked}: there are keypoints 0 to {count - 1}")
        within = COORDINATES.get(self.coordinate, SCORE)
        if within >= boxes.points:
            raise TargetError(
                f"{self.asked}: these keypoints have no probability: ask for a coordinate, as "
                f"keypoint:{self.number}x@{self.of.label}"
            )
        return boxes.more + self.number * boxes.points + within


def read(word: str, asking: Asking) -> tuple[KeypointQuestion] | None:
    """`keypoint:3@box:0`, `keypoint:3x@person`, `keypoint:3y@box:0`."""
    found = re.fullmatch(r"keypoint:(\d+)([xy]?)@(.+)", word)
    if found is None:
        return None
    of = asked_box(word, found[3].strip(), asking)
    if asking.head is not None and asking.head.boxes is not None:
        _require(asking.head.boxes, word)
    return (KeypointQuestion(int(found[1]), found[2], of, word),)


def _require(boxes: BoxNumbers, asked: str) -> None:
    """Refuses boxes without keypoints."""
    if not boxes.points:
        raise TargetError(
            f"{asked}: the boxes of '{boxes.output}' have no keypoints that are known; any number "
            f"of an output is asked for as out:NAME[3]"
        )


def asked_box(word: str, which: str, asking: Asking) -> ScoredTarget:
    """The one box that a question is about, from what stands behind its @.

    Raises:
        TargetError: the model has no boxes, or several are meant.
    """
    if asking.kind not in ("boxes", ""):
        raise TargetError(f"target '{word}' asks for a box, and the model gives {asking.kind}")
    of = box.read(which, asking)
    if of is None or len(of) > 1:
        before = word.partition("@")[0]
        raise TargetError(f"target '{word}': one box has that, such as {before}@box:0")
    return of[0]


KEYPOINT = Kind(
    "keypoint:3@box:0",
    "the log-probability of a keypoint of a box; 3x, 3y its coordinates in pixels",
    read,
    of=("boxes",),
)
