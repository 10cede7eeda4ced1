"""The boxes of one look: class scores and corners of all anchors, and those that remain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...head import Head
from ..asking import LIKELY
from ..scores import find_axis
from .corners import Corners
from .numbers import gathered
from .strength import Strengths
from .suppression import suppress
from .written import reading

EVEN = 0.0
"""The same of scores that nothing makes probabilities of: logits."""
MOST = 100
ROUNDED = 0.01
"""How far beyond 0 the logarithm of a probability may be by rounding, in float16 too."""
MOSTLY = 0.5
"""Of all queries, the part beyond which the last class is taken for 'no object'."""


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
    channel: int
    """Where the score has it: the class, but of boxes that say their own."""
    angle: float | None = None
    """In radians, of a box that is turned; the corners are those of the upright one round it."""

    def holds(self, x: float, y: float) -> bool:
        """Does a point of the input lie in it?"""
        x0, y0, x1, y1 = self.corners
        return x0 <= x <= x1 and y0 <= y <= y1


@dataclass(frozen=True)
class Detections:
    """What a detector says of one row.

    Args:
        scores: y [C, A] of the row, the anchors in one row.
        how: what makes probabilities of them, see `Strengths`.
        corners: x0, y0, x1, y1 in pixels of the input, of the anchors that index it.
        background: the class that stands for nothing.
        threshold: the probability (or the score where there is none) from which on there is a box.
    """

    scores: Array
    how: str
    corners: Corners
    background: int | None = None
    threshold: float = LIKELY
    meaning: str = ""
    """How the box numbers were read, in words."""
    own: Array | None = None
    """[A]: the class of each, where the score is that of their own class."""
    final: bool = False
    """Did the file select them itself?"""
    angles: Array | None = None
    """[A]: how far each box is turned."""

    @cached_property
    def strengths(self) -> Strengths:
        """What anchors are ranked by; the background is no box, nor are rows that only pad."""
        none = np.zeros((len(self.scores), 1), bool)
        if self.background is not None:
            none[self.background] = True
        if self.own is not None:
            none = none | self._padding
        return Strengths(self.scores, self.how, np.broadcast_to(none, self.scores.shape))

    @cached_property
    def _padding(self) -> Array:
        """[A]: files that give a fixed number of boxes fill up with zeros, or with classes of -1.

        Zeros are written as the smallest number that has a logarithm.
        """
        assert self.own is not None
        least = np.log(np.finfo(self.scores.dtype).tiny)
        nothing = np.all(self.scores <= least + 1, axis=0)
        found: Array = nothing | (self.own < 0)
        return found

    @property
    def least(self) -> float:
        """The strength from which on there is a box."""
        return self.threshold if self.how else EVEN

    def about(self, index: int | None) -> Array:
        """Which scores [C, A] are about a class; None: about any."""
        if index is None:
            return np.full(self.scores.shape, fill_value=True)
        if self.own is not None:
            return np.broadcast_to(self.own == index, self.scores.shape)
        return np.broadcast_to(np.arange(len(self.scores))[:, None] == index, self.scores.shape)

    def boxes(self, index: int | None = None) -> list[Box]:
        """Those that remain after suppression, the best first; of one class alone.

        What the file selected remains as it is.
        """
        channels, anchors, strength = self.strengths.above(self.least, self.about(index))
        classes = channels if self.own is None else self.own[anchors]
        if self.final:
            kept = [int(i) for i in np.argsort(-strength, kind="stable")[:MOST]]
        else:
            kept = suppress(self.corners[anchors], strength, classes, most=MOST)
        return [self.box(int(channels[i]), int(anchors[i])) for i in kept]

    def best(self, index: int | None = None) -> Box | None:
        """The best anchor, be it above the threshold or not; None where there is none."""
        found = np.where(self.about(index), self.strengths.every, -np.inf)
        if not np.max(found, initial=-np.inf) > -np.inf:
            return None
        channel, anchor = divmod(int(np.argmax(found)), found.shape[1])
        return self.box(channel, anchor)

    def box(self, channel: int, anchor: int) -> Box:
        """What there is at an anchor for a channel of the score."""
        p = self.strengths.value(channel, anchor) if self.how else None
        x0, y0, x1, y1 = map(float, self.corners[anchor])
        return Box(
            channel if self.own is None else int(self.own[anchor]),
            anchor,
            (x0, y0, x1, y1),
            float(self.margin(channel, anchor)),
            p,
            channel,
            None if self.angles is None else float(self.angles[anchor]),
        )

    def margin(self, channel: int, anchor: int) -> float:
        """Y: the class score, against the background's where there is one."""
        own = float(self.scores[channel, anchor])
        return own if self.background is None else own - float(self.scores[self.background, anchor])


def detections(
    score: Array,
    outputs: Mapping[str, Array],
    head: Head,
    class_axis: int,
    size: tuple[int, int],
    threshold: float = LIKELY,
    named: int | None = None,
) -> list[Detections]:
    """Those of each row.

    Args:
        score: y as the model gives it.
        outputs: all outputs, by name.
        head: that of the score, with `boxes`.
        class_axis: where the classes are in y.
        size: height and width of the input.
        named: how many classes have names, where anybody knows.

    Raises:
        TargetError: the boxes are not those of the score's anchors.
    """
    assert head.boxes is not None
    numbers = gathered(outputs, head.boxes)
    y = _flat(score, find_axis(score, class_axis))
    if numbers.values.shape[::2] != y.shape[::2]:
        raise TargetError(
            f"the score {list(score.shape)} has {y.shape[2]} anchors, the boxes of "
            f"'{head.boxes.output}' are {numbers.values.shape[2]}"
        )
    if head.activation == "Log" and np.max(y, initial=0.0) > ROUNDED:
        raise TargetError(
            f"the scores in '{head.output}' are no probabilities, one is {np.exp(np.max(y)):.3g}: "
            f"name the logits with --score"
        )
    made, background = applied(y, head, named)
    levels = numbers.levels if head.boxes.gridded else None
    found = reading(numbers.values, size, levels, head.boxes.written, head.boxes.priors)
    own, angles = numbers.own, numbers.angles
    return [
        Detections(
            y[i],
            made,
            Corners(found, i, numbers.values[i].T, None if angles is None else angles[i]),
            background,
            threshold,
            found.meaning.words,
            None if own is None else own[i],
            own is not None and not head.boxes.gridded,
            None if angles is None else angles[i],
        )
        for i in range(len(y))
    ]


def applied(y: Array, head: Head, named: int | None = None) -> tuple[str, int | None]:
    """What makes probabilities of scores [N, C, A], and the class that stands for nothing.

    Queries that end in logits are compared by a softmax with 'no object' last (DETR 2020), or are
    each a sigmoid (Deformable DETR; Grounding DINO, whose classes are the words of a text). The
    names of the classes tell, or else the queries do: nearly all of them find nothing.
    """
    assert head.boxes is not None
    background, C = head.boxes.background, y.shape[1]
    if not head.boxes.unsure:
        return head.probability, None if background is None else background % C
    nothing = bool(C > 1 and np.mean(np.argmax(y, axis=1) == C - 1) > MOSTLY)
    if named in (C, C - 1) or head.boxes.of_words:
        nothing = named == C - 1 and not head.boxes.of_words
    return ("softmax", C - 1) if nothing else ("sigmoid", None)


def _flat(values: Array, axis: int) -> Array:
    """[N, C, A]: an axis moved behind the rows, the others as one."""
    if values.ndim < 2:
        return values.reshape(len(values), 1, -1)
    moved = np.moveaxis(values, axis, 1)
    return moved.reshape(*moved.shape[:2], int(np.prod(moved.shape[2:])))


def named(index: int, labels: Sequence[str] | None) -> str:
    """A class in words."""
    known = labels is not None and 0 <= index < len(labels)
    return labels[index] if known and labels is not None else f"class {index}"
