"""A keypoint of a box: its probability, or a coordinate in pixels: `keypoint:3@box:0`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...head import BoxNumbers
from ..asking import Asking
from ..examples import Facts
from ..target import NONE, Kind, Outputs, ScoredTarget
from .meaning import Read
from .of_box import COORDINATES, Found, OfBox, asked_box, parts, require
from .own_maps import heat_of
from .ssd import landmark_steps
from .written import ANCHORED, BESIDE_BACKGROUND

SCORE = len(COORDINATES)
"""Where a keypoint has its probability, behind the coordinates."""


def _from_corner(read: Read) -> tuple[Array, Array]:
    """(cell + number) stride."""
    assert read.grid is not None
    stride = read.grid.stride[:, None]
    return read.grid.cell * stride, stride


def _from_middle(read: Read) -> tuple[Array, Array]:
    """(cell + 1/2) stride + number."""
    assert read.grid is not None
    return (read.grid.cell + 0.5) * read.grid.stride[:, None], np.ones(1)


COUNTED: Mapping[str, Callable[[Read], tuple[Array, Array]]] = {
    "distances": _from_corner,
    "offsets": _from_corner,
    ANCHORED: _from_middle,
    BESIDE_BACKGROUND: landmark_steps,
}
"""By how the boxes are written: from where coordinates [A, 2] are counted, and in what [A, 2].

SCRFD (Guo et al. 2021) and YuNet (Wu et al. 2023) from the corner of the cell, BlazeFace
(Bazarevsky et al. 2019) from its centre in pixels, RetinaFace (Deng et al. 2020) from the centre
of the prior box. Of others they are pixels.
"""


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
    counted: tuple[tuple[float, float], ...] = ()
    """Of each row a and b, of a coordinate a + b y; (): y itself."""
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
        """dY/dy: 1, b or 1 / p, at the number."""
        slope = np.zeros_like(y)
        values = self._numbers(y)
        steps = 1 / values if self.logarithm else self._counted[:, 1]
        for place, step in zip(self.places, steps, strict=True):
            slope[place] = step
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        found = self._numbers(y)
        if self.logarithm:
            return np.log(found)
        start, step = self._counted.T
        each: Array = start + step * found
        return each

    def classes(self, y: Array) -> None:
        """None: it is about a keypoint."""

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """Which keypoint of what."""
        facts = self.detail[0].get("box", {}) if len(self.detail) == 1 else {}
        which = self.label.partition("@")[0].replace(":", " ")
        return f"{which} of {facts['label'] or 'class ' + str(facts['class'])}" if facts else ""

    @property
    def _counted(self) -> Array:
        return np.array(self.counted or [(0.0, 1.0)] * len(self.places))

    def _numbers(self, y: Array) -> Array:
        """[N], in float64; a probability that is 0 is as small as its type can say."""
        if len(y) != len(self.places):
            raise TargetError(f"{self.label}: found in {len(self.places)} rows, not in {len(y)}")
        found = np.array([y[place].item() for place in self.places], np.float64)
        return np.maximum(found, np.finfo(y.dtype).tiny) if self.logarithm else found


def keypoint_of(found: Found, number: int, coordinate: str) -> ScoredTarget:
    """A keypoint of a box that was found.

    Args:
        found: the box.
        number: counted from 0, as the tools of such models do.
        coordinate: x or y; '': its probability.
    """
    boxes = found.boxes
    require("keypoint", found.asked, boxes)
    if boxes.heats:
        return heat_of(found, number, coordinate)
    if boxes.apart:
        boxes = replace(boxes, output=boxes.apart[0], further=boxes.apart[1:])
    at = _at(boxes, number, coordinate, found)
    output, places = found.places(replace(boxes, start=at, count=1))
    label = f"keypoint:{number}{coordinate}@{found.target.label}"
    counted = _from(found, COORDINATES[coordinate]) if coordinate else ()
    return KeypointTarget(output, places, not coordinate, label, found.target.detail, counted)


def _from(found: Found, side: int) -> tuple[tuple[float, float], ...]:
    """From where each row's x (side 0) or y (side 1) is counted, and how far its unit is."""
    if found.boxes.written not in COUNTED:
        return ()
    shape = (len(found.anchors), 2)
    start, unit = (np.broadcast_to(a, shape) for a in COUNTED[found.boxes.written](found.read))
    return tuple((float(a), float(b)) for a, b in zip(start[:, side], unit[:, side], strict=True))


def _at(boxes: BoxNumbers, number: int, coordinate: str, found: Found) -> int:
    """Where along the axis of a box's numbers it is."""
    extent = found.seen.outputs[boxes.output].shape[boxes.axis]
    count = (extent - boxes.more) // boxes.points
    if not number < count:
        raise TargetError(f"{found.asked}: there are keypoints 0 to {count - 1}")
    within = COORDINATES.get(coordinate, SCORE)
    if within >= boxes.points:
        raise TargetError(
            f"{found.asked}: these keypoints have no probability: ask for a coordinate, as "
            f"keypoint:{number}x@{found.target.label}"
        )
    return boxes.more + number * boxes.points + within


def read(word: str, asking: Asking) -> tuple[OfBox] | None:
    """`keypoint:3@box:0`, `keypoint:3x@person`, `keypoint:3y@box:0`."""
    found = re.fullmatch(r"keypoint(?::([^@]*))?@(.+)", word)
    if found is None:
        return None
    of = asked_box(word, found[2].strip(), asking)
    boxes = None if asking.head is None else asking.head.boxes
    if boxes is not None:
        require("keypoint", word, boxes)
    which = re.fullmatch(r"(\d+)([xy]?)", (found[1] or "").strip())
    if which is None:
        as_in = KEYPOINT.written if boxes is None else _written(boxes)
        raise TargetError(f"target '{word}': keypoints have numbers from 0 on, as in {as_in}")
    return (OfBox(of, word, keypoint_of, (int(which[1]), which[2])),)


def _example(written: str, facts: Facts) -> str | None:
    """With a probability, a coordinate, or nothing, as this model's keypoints have."""
    head = facts.asking.head
    return written if head is None or head.boxes is None else _written(head.boxes)


def _written(boxes: BoxNumbers) -> str | None:
    return next((one for one in parts(boxes) if one.startswith("keypoint")), None)


KEYPOINT = Kind(
    "keypoint:3@box:0",
    "the log-probability of a keypoint of a box; 3x, 3y its coordinates in pixels",
    read,
    of=("boxes",),
    example=_example,
)
