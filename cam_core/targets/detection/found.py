"""The boxes of one look: class scores and corners of all anchors, and those that remain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...head import Head
from ..probability import EACH
from ..scores import find_axis, softmax
from .meaning import corners
from .suppression import suppress

LIKELY = 0.25
"""The probability from which on there is a box, as the YOLO detectors' tools have it."""
EVEN = 0.0
"""The same of scores that nothing makes probabilities of: logits."""
MOST = 100


@dataclass(frozen=True)
class Box:
    """One box of one row."""

    index: int
    """Its class."""
    anchor: int
    corners: tuple[float, float, float, float]
    """x0, y0, x1, y1 in pixels of the input."""
    score: float
    """Y of its anchor and class."""
    probability: float | None
    """None where the model makes none."""

    def holds(self, x: float, y: float) -> bool:
        """Does a point of the input lie in it?"""
        x0, y0, x1, y1 = self.corners
        return x0 <= x <= x1 and y0 <= y <= y1


@dataclass(frozen=True)
class Detections:
    """What a detector says of one row.

    Args:
        scores: y [C, A] of the row, the anchors in one row.
        probabilities: the same as the model makes them; None where it makes none.
        corners: [A, 4], x0, y0, x1, y1 in pixels of the input.
        background: the class that stands for nothing.
        threshold: the probability (or the score where there is none) from which on there is a box.
    """

    scores: Array
    probabilities: Array | None
    corners: Array
    background: int | None = None
    threshold: float = LIKELY
    meaning: str = ""
    """How the box numbers were read, in words."""

    @cached_property
    def strength(self) -> Array:
        """What anchors are ranked by [C, A]; -inf of the background."""
        found = self.scores if self.probabilities is None else self.probabilities
        found = found.astype(np.float64)
        if self.background is not None:
            found[self.background] = -np.inf
        return found

    @property
    def least(self) -> float:
        """The strength from which on there is a box."""
        return EVEN if self.probabilities is None else self.threshold

    def boxes(self, index: int | None = None) -> list[Box]:
        """Those that remain after suppression, the best first; of one class alone."""
        rows = np.arange(len(self.strength)) if index is None else np.array([index])
        at, anchors = np.nonzero(self.strength[rows] >= self.least)
        classes = rows[at]
        kept = suppress(self.corners[anchors], self.strength[classes, anchors], classes, most=MOST)
        return [self.box(int(classes[i]), int(anchors[i])) for i in kept]

    def best(self, index: int | None = None) -> Box:
        """The best anchor, be it above the threshold or not."""
        rows = self.strength if index is None else self.strength[index][None]
        at, anchor = divmod(int(np.argmax(rows)), rows.shape[1])
        return self.box(at if index is None else index, anchor)

    def box(self, index: int, anchor: int) -> Box:
        """What there is at an anchor for a class."""
        p = None if self.probabilities is None else float(self.probabilities[index, anchor])
        x0, y0, x1, y1 = map(float, self.corners[anchor])
        return Box(index, anchor, (x0, y0, x1, y1), float(self.margin(index, anchor)), p)

    def margin(self, index: int, anchor: int) -> float:
        """Y: the class score, against the background's where there is one."""
        own = float(self.scores[index, anchor])
        return own if self.background is None else own - float(self.scores[self.background, anchor])


def detections(
    score: Array,
    outputs: Mapping[str, Array],
    head: Head,
    class_axis: int,
    size: tuple[int, int],
    threshold: float = LIKELY,
) -> list[Detections]:
    """Those of each row.

    Args:
        score: y as the model gives it.
        outputs: all outputs, by name.
        head: that of the score, with `boxes`.
        class_axis: where the classes are in y.
        size: height and width of the input.

    Raises:
        TargetError: the boxes are not those of the score's anchors.
    """
    numbers, cells = box_numbers(outputs, head)
    y = _flat(score, find_axis(score, class_axis))
    if numbers.shape[::2] != y.shape[::2]:
        raise TargetError(
            f"the score {list(score.shape)} has {y.shape[2]} anchors, the boxes of "
            f"'{head.boxes.output if head.boxes else ''}' are {numbers.shape[2]}"
        )
    p = probabilities(y, head.probability)
    boxes, words = corners(np.moveaxis(numbers, 1, 2), size, cells)
    background = None if head.boxes is None else head.boxes.background
    if background is not None:
        background %= y.shape[1]
    return [
        Detections(y[i], None if p is None else p[i], boxes[i], background, threshold, words)
        for i in range(len(y))
    ]


def probabilities(y: Array, how: str) -> Array | None:
    """Of scores [N, C, A], as the model makes them: None where it makes none."""
    if how in EACH:
        return EACH[how].value(y.astype(np.float64))
    return softmax(y.astype(np.float64)) if how == "softmax" else None


def box_numbers(outputs: Mapping[str, Array], head: Head) -> tuple[Array, tuple[int, ...]]:
    """The four numbers of each anchor [N, 4, A], and the axes that their places had."""
    assert head.boxes is not None
    of, array = head.boxes, outputs[head.boxes.output]
    places = [extent for i, extent in enumerate(array.shape) if i not in (0, of.axis % array.ndim)]
    numbers = _flat(array, of.axis % array.ndim)[:, of.start : of.start + 4]
    return numbers, tuple(places) if len(places) == 2 and 1 not in places else ()


def _flat(values: Array, axis: int) -> Array:
    """[N, C, A]: an axis moved behind the rows, the others as one."""
    if values.ndim < 2:
        return values.reshape(len(values), 1, -1)
    return np.moveaxis(values, axis, 1).reshape(len(values), values.shape[axis], -1)


def named(box: Box, labels: Sequence[str] | None) -> str:
    """Its class in words."""
    known = labels is not None and 0 <= box.index < len(labels)
    return labels[box.index] if known and labels is not None else f"class {box.index}"
