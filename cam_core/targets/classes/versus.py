"""A mistake explained: what the model says, what is true, and the difference: `versus:243`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import TargetError
from ..asking import Asking, Seen
from ..examples import as_classes
from ..labels import find_class, label_of
from ..scores import top
from ..target import AwaitingTarget, Kind, ScoredTarget
from .contrast import ContrastTarget
from .one_class import ClassTarget

SUITED = ("", "classes", "multi-label")
"""Heads whose classes one can be mistaken for another; '' where nobody says."""


@dataclass(frozen=True)
class VersusTarget(AwaitingTarget):
    """Three questions: the top class p, the true class t, and Y = y^p - y^t."""

    index: int
    """What is true."""
    class_axis: int = 1
    together = "versus"

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"versus:{self.index}"

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Those of the class that the model says.

        Raises:
            TargetError: it says this one, or says no classes, or another for another row.
        """
        kind = seen.asking.kind
        if kind not in SUITED:
            raise TargetError(
                f"{self.label}: a mistake is one class for another, and the model gives {kind}: "
                "ask for one and then for the other with --target"
            )
        predicted = np.unique(top(seen.score, self.class_axis))
        if len(predicted) > 1:
            raise TargetError(f"{self.label}: rows with different top classes are asked one by one")
        p = int(predicted[0])
        true = ClassTarget(self.index, self.class_axis)
        true.classes(seen.score)  # refuses one that there is not
        if p == self.index:
            name = label_of(p, seen.asking.labels)
            raise TargetError(
                f"{self.label}: there is no mistake, the model says '{name}': ask for top:2, "
                "or for another class"
            )
        return (
            ClassTarget(p, self.class_axis),
            true,
            ContrastTarget(p, self.index, self.class_axis),
        )

    def require(self, count: int) -> None:
        """The class is one of them."""
        if not 0 <= self.index < count:
            raise TargetError(f"{self.label}: the score has {count} classes (0 to {count - 1})")

    def _waits(self) -> TargetError:
        return TargetError(
            f"target '{self.label}' depends on what the model says of a picture: explain it there; "
            f"a file takes two classes (7-{self.index})"
        )


def read(word: str, asking: Asking) -> tuple[VersusTarget] | None:
    """`versus:243`, or a label."""
    found = re.fullmatch(r"versus:(.+)", word)
    if found is None:
        return None
    return (VersusTarget(find_class(found[1], asking.labels), asking.class_axis),)


VERSUS = Kind(
    "versus:243",
    "a mistake: the top class, the true one, and their difference",
    read,
    of=("classes", "multi-label"),
    example=as_classes,
)
