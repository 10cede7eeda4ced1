"""Texts that a picture is compared with, in the order in which they were given: `caption:2`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..classes.contrast import ContrastTarget
from ..examples import as_classes
from ..scores import class_score, one_hot, pick, pool
from ..target import NONE, Kind, Outputs, ScoredTarget


@dataclass(frozen=True)
class CaptionTarget(ScoredTarget):
    """Y = y^i, the similarity of each row to one of the captions (or other rows) it is given."""

    index: int = 0
    class_axis: int = 1
    every: bool = False
    """Each of them, one after the other."""

    @property
    def label(self) -> str:
        """How it is asked for."""
        return "caption:all" if self.every else f"caption:{self.index}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the caption."""
        return one_hot(y, self.classes(y), self.class_axis)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return class_score(y, self.classes(y), self.class_axis)

    def classes(self, y: Array) -> Array:
        """The number of the caption for each row, int64 [N]."""
        count = pool(y, self.class_axis).shape[1]
        if isinstance(count, int) and self.index >= count:
            raise TargetError(f"{self.label}: the captions are caption:0 to caption:{count - 1}")
        return pick(y, self.index, self.class_axis)

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Each of those that were given, or the one that is asked for."""
        axis = seen.asking.class_axis
        count = pool(seen.score, axis).shape[1]
        return [CaptionTarget(i, axis) for i in range(count)] if self.every else [self]


@dataclass(frozen=True)
class AgainstCaption(ContrastTarget):
    """Y = y^a - y^b of two captions; b may be an empty one, what any text would get."""

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"caption:{super().label}"


def read(word: str, asking: Asking) -> tuple[CaptionTarget | AgainstCaption] | None:
    """`caption:2`, `caption:all`, or one against another: `caption:2-0`."""
    found = re.fullmatch(r"caption:(?:(\d+)-(\d+)|(\d+|all))", word)
    if found is None:
        return None
    if asking.kind not in ("similarity", ""):
        raise TargetError(
            f"target '{word}': the model compares with no captions, it gives "
            f"{asking.kind}; like:FILE compares with another picture or vector"
        )
    if found[3] is None:
        return (AgainstCaption(int(found[1]), int(found[2]), asking.class_axis),)
    every = found[3] == "all"
    return (CaptionTarget(0 if every else int(found[3]), asking.class_axis, every),)


CAPTION = Kind(
    "caption:2",
    "the similarity to one of several captions; caption:all each, caption:2-0 against another",
    read,
    of=("similarity",),
    example=as_classes,
)
