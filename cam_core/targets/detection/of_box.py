"""Questions about what a box has: a keypoint, an edge, a mask, of a box that is yet to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import TargetError
from ...head import BoxNumbers
from ..asking import Asking, Seen
from ..target import AwaitingTarget, ScoredTarget
from . import box
from .meaning import Read
from .numbers import gathered, spot
from .written import reading

COORDINATES = {"x": 0, "y": 1}
"""Of a keypoint; behind them it may have its probability."""


@dataclass(frozen=True)
class Found:
    """What a question is made of, once its box was found in every row."""

    target: ScoredTarget
    """The box."""
    boxes: BoxNumbers
    seen: Seen
    asked: str
    """The question, as it was asked."""

    @property
    def anchors(self) -> list[int]:
        """Of each row."""
        return [facts["box"]["anchor"] for facts in self.target.detail]

    @cached_property
    def read(self) -> Read:
        """How the numbers of these boxes are read, one a row."""
        boxes, size = self.boxes, self.seen.size
        assert size is not None  # a box was found
        numbers = gathered(self.seen.outputs, boxes)
        levels = numbers.levels if boxes.gridded else None
        found = reading(numbers.values, size, levels, boxes.written, boxes.priors)
        return found.at(self.anchors)

    def places(self, numbers: BoxNumbers) -> tuple[str, tuple[tuple[Any, ...], ...]]:
        """The output with these numbers, and where in it those of each row are.

        As its rows are counted, when it is the score: one that counts none is a row as a whole.

        Raises:
            TargetError: they are in several.
        """
        spots = [spot(self.seen.outputs, numbers, row, a) for row, a in enumerate(self.anchors)]
        if len({name for name, _ in spots}) > 1:
            raise TargetError(f"{self.asked}: the rows' boxes are of several scales: one by one")
        before = () if numbers.batched else (0,)
        return spots[0][0], tuple((*before, *place) for _, place in spots)


@dataclass(frozen=True)
class OfBox(AwaitingTarget):
    """What one box has, by a question that says which box."""

    of: ScoredTarget
    asked: str
    make: Callable[..., ScoredTarget]
    """(the box as `Found`, *given) -> what is asked of it."""
    given: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        """How it is asked for."""
        return self.asked

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Of each box that the other question turns out to be."""
        return [self._of(one, seen) for one in self.of.found_in(seen)]

    def _of(self, one: ScoredTarget, seen: Seen) -> ScoredTarget:
        head = seen.asking.head
        assert head is not None  # a box was found
        assert head.boxes is not None
        return self.make(Found(one, head.boxes, seen, self.asked), *self.given)


def asked_box(word: str, which: str, asking: Asking) -> ScoredTarget:
    """The one box that a question is about, from what stands behind its @.

    Raises:
        TargetError: the model has no boxes, or several are meant.
    """
    if asking.kind not in ("boxes", ""):
        raise TargetError(
            f"target '{word}' asks for a box, and the model gives {asking.kind}: ask for nothing "
            f"to see what suits it"
        )
    of = box.read(which, asking)
    if of is None or len(of) > 1:
        before = word.partition("@")[0]
        raise TargetError(f"target '{word}': one box has that, such as {before}@box:0")
    return of[0]


def parts(boxes: BoxNumbers) -> list[str]:
    """What a box of such a model can be asked, one question of each kind."""
    found = ["box:0"]
    if boxes.angle is None:
        found.append("edge:left@box:0")
    if boxes.prototypes or boxes.masks:
        found.append("mask@box:0")
    if boxes.heats or boxes.points > len(COORDINATES):
        found.append("keypoint:0@box:0")
    elif boxes.points:
        found.append("keypoint:0x@box:0")
    return found


def require(part: str, word: str, boxes: BoxNumbers) -> None:
    """Refuses a question about what boxes have not: `mask`, `keypoint`, `edge`.

    Raises:
        TargetError: with what they have.
    """
    there = parts(boxes)
    if not any(one.startswith(part) for one in there):
        turned = ": its boxes are turned" if part == "edge" else " that are known"
        raise TargetError(
            f"{word}: this model has no {part}s{turned} ('{boxes.output}'); ask for "
            f"{' or '.join(there)}, or out:NAME[3], any number of an output"
        )
