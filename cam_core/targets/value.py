"""The number of a regression: `value`, `value:3` of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backend import Array
from ..errors import TargetError
from .asking import Asking, Seen
from .scores import class_score, one_hot, pick, pool, sigmoid, top
from .target import NONE, Kind, Outputs, ScoredTarget


@dataclass(frozen=True)
class ValueTarget(ScoredTarget):
    """Y = y^i, a number that is no class; -1 is each row's largest."""

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    probability: float | None = None
    """What the model makes of a single one, where it was run: of a binary head."""
    linear = True

    @property
    def label(self) -> str:
        """How it is asked for; of several rows with numbers of their own `value`."""
        one = self.index if isinstance(self.index, int) else next(iter({*self.index}), -1)
        alone = isinstance(self.index, int) or len({*self.index}) == 1
        return f"value:{one}" if alone and one >= 0 else "value"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the number."""
        return one_hot(y, self._which(y), self.class_axis)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], summed over the positions of a dense score."""
        return class_score(y, self._which(y), self.class_axis)

    def classes(self, y: Array) -> Array | None:
        """None: it is about no class."""
        return None

    def held(self, y: Array) -> ValueTarget:
        """The same number a row."""
        return replace(self, index=tuple(map(int, self._which(y))))

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Which number it is, where there are several; what the model makes of it."""
        y, asking = seen.score, seen.asking
        head, own = asking.head, replace(self, class_axis=asking.class_axis)
        if pool(y, own.class_axis).shape[1] > 1:
            return [own.held(y) if self.index == -1 else own]
        if head is None or head.probability != "sigmoid" or y.size > 1:
            return [own]
        return [replace(own, probability=float(np.sum(sigmoid(y.astype(np.float64)))))]

    def require(self, count: int) -> None:
        """As many numbers."""
        least = self.index if isinstance(self.index, int) else max(self.index)
        if least >= count:
            last = f" to value:{count - 1}" if count > 1 else ""
            raise TargetError(f"{self.label}: the model gives {count}, value:0{last}")

    def _which(self, y: Array) -> Array:
        return top(y, self.class_axis) if self.index == -1 else pick(y, self.index, self.class_axis)


def read(word: str, asking: Asking) -> tuple[ValueTarget] | None:
    """`value` or `value:3`; not what is a label."""
    found = re.fullmatch(r"value(?::(\d+))?", word)
    if found is None or word.casefold() in map(str.casefold, asking.labels or ()):
        return None
    if asking.kind in ("boxes", "classes", "multi-label"):
        what = "boxes: ask for box:0" if asking.kind == "boxes" else "classes: ask for one"
        raise TargetError(f"target '{word}' is a number by itself, and the model gives {what}")
    return (ValueTarget(-1 if found[1] is None else int(found[1]), asking.class_axis),)


VALUE = Kind(
    "value",
    "the number of a regression or a binary head; value:3 of several",
    read,
    of=("regression", "binary", "picture", "unknown"),
)
