"""Each row's best classes: `top:3`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..examples import Facts
from ..scores import class_score, one_hot, ranked
from ..target import NONE, Kind, Outputs, ScoredTarget
from .asked_class import SEVERAL
from .one_class import ClassTarget

MOST = 100_000
"""Targets of one top:k; no classifier has as many classes."""


@dataclass(frozen=True)
class TopTarget(ScoredTarget):
    """Y = y^c of each row's class of that rank; 1 is the best."""

    rank: int = 1
    class_axis: int = 1
    last: int = field(default=0, compare=False, repr=False)
    """The last rank that is asked for with it: a file sorts for all at once."""

    def __post_init__(self) -> None:
        """Ranks start at 1."""
        if self.rank < 1:
            raise TargetError(f"top:{self.rank} is no rank; 1 is the best class")

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"top:{self.rank}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class."""
        return one_hot(y, self.classes(y), self.class_axis)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return class_score(y, self.classes(y), self.class_axis)

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return ranked(y, self.rank, max(self.rank, self.last), self.class_axis)

    def name(self, index: int | None) -> str:
        """The class that it turned out to be."""
        return self.label if index is None else str(index)

    def held(self, y: Array) -> ClassTarget:
        """The class of that rank."""
        return ClassTarget(tuple(self.classes(y)), self.class_axis)

    def require(self, count: int) -> None:
        """As many classes as ranks."""
        if self.rank > count:
            raise TargetError(f"{self.label}: the score has only {count} classes")


def read(word: str, asking: Asking) -> tuple[TopTarget, ...] | None:
    """`top:k` is k targets; `top` is one."""
    kind, _, rest = word.partition(":")
    if kind != "top" or not re.fullmatch(r"\d*", rest):
        return None
    count = int(rest or 1)
    if count < 1:
        raise TargetError(f"target '{word}': top:k needs a k of at least 1")
    if count > MOST:
        raise TargetError(f"target '{word}': top:k takes a k of at most {MOST}")
    return tuple(TopTarget(rank, asking.class_axis, count) for rank in range(1, count + 1))


def _example(written: str, facts: Facts) -> str:
    """No more than there are."""
    return written if facts.count is None else f"top:{min(3, facts.count)}"


TOP = Kind(
    "top:3",
    "the best classes of each row, one after the other",
    read,
    several=True,
    of=SEVERAL,
    example=_example,
)
