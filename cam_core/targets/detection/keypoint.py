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
from ..asking import Asking
from ..target import NONE, Kind, Outputs, ScoredTarget
from .of_box import Found, OfBox, asked_box

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


def keypoint_of(found: Found, number: int, coordinate: str) -> KeypointTarget:
    """A keypoint of a box that was found.

    Args:
        found: the box.
        number: counted from 0, as the tools of such models do.
        coordinate: x or y; '': its probability.
    """
    at = _at(number, coordinate, found)
    output, places = found.places(replace(found.boxes, start=at, count=1))
    label = f"keypoint:{number}{coordinate}@{found.target.label}"
    return KeypointTarget(output, places, not coordinate, label, found.target.detail)


def _at(number: int, coordinate: str, found: Found) -> int:
    """Where along the axis of a box's numbers it is."""
    boxes, asked = found.boxes, found.asked
    _require(boxes, asked)
    extent = found.seen.outputs[boxes.output].shape[boxes.axis]
    count = (extent - boxes.more) // boxes.points
    if not number < count:
        raise TargetError(f"{asked}: there are keypoints 0 to {count - 1}")
    within = COORDINATES.get(coordinate, SCORE)
    if within >= boxes.points:
        raise TargetError(
            f"{asked}: these keypoints have no probability: ask for a coordinate, as "
            f"keypoint:{number}x@{found.target.label}"
        )
    return boxes.more + number * boxes.points + within


def read(word: str, asking: Asking) -> tuple[OfBox] | None:
    """`keypoint:3@box:0`, `keypoint:3x@person`, `keypoint:3y@box:0`."""
    found = re.fullmatch(r"keypoint:(\d+)([xy]?)@(.+)", word)
    if found is None:
        return None
    of = asked_box(word, found[3].strip(), asking)
    if asking.head is not None and asking.head.boxes is not None:
        _require(asking.head.boxes, word)
    return (OfBox(of, word, keypoint_of, (int(found[1]), found[2])),)


def _require(boxes: BoxNumbers, asked: str) -> None:
    """Refuses boxes without keypoints."""
    if not boxes.points:
        raise TargetError(
            f"{asked}: the boxes of '{boxes.output}' have no keypoints that are known; any number "
            f"of an output is asked for as out:NAME[3]"
        )


KEYPOINT = Kind(
    "keypoint:3@box:0",
    "the log-probability of a keypoint of a box; 3x, 3y its coordinates in pixels",
    read,
    of=("boxes",),
)
