"""What tells a class from those most like it: `finer:243`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...backend import Array
from ..asking import Asking, Seen
from ..examples import among_others
from ..labels import index_text, plain
from ..scores import (
    in_double,
    one_hot,
    per_row,
    pick,
    pool,
    softmax,
    top,
)
from ..target import NONE, Kind, Outputs, ScoredTarget
from ..traceable import traceable
from .asked_class import SEVERAL, axis_of_several, class_after, require_others

CLOSEST = 3
"""Classes that one is compared with."""
LITTLE = 1e-9
"""Of the paper's code, in the denominator."""
UNLIKELY = 1e-6
"""What the classes compared with have together, below which LITTLE is a part of the number."""


@traceable
def nearest(y: Array, classes: Array, rank: int, class_axis: int = 1) -> Array:
    """The class of each row, int64 [N], whose score is closest but rank - 1 to that of `classes`.

    Of equally close ones the first.
    """
    pooled = pool(y, class_axis)
    own = np.arange(pooled.shape[1]) == classes[:, None]
    apart = np.abs(pooled - np.sum(pooled * own, axis=1, keepdims=True))
    order: Array = np.argsort(np.where(own, np.inf, apart), axis=1, kind="stable")
    return order[:, rank - 1].astype(np.int64)


def _unlikely(weight: float) -> str:
    said = f"finer weighs classes of {weight:.1g} probability in all, next to nothing"
    return said if weight < UNLIKELY else ""


@dataclass(frozen=True)
class FinerTarget(ScoredTarget):
    """Y = sum_i p^i (y^c - alpha y^i) / (sum_i p^i + 1e-9), i the classes closest to c in score.

    Finer-CAM (Zhang et al. 2025), as its code has it: p is the softmax over all classes. Which
    three are closest is held; how much each weighs is not.
    """

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    alpha: float = 1.0
    closest: tuple[tuple[int, ...], ...] = field(default=(), compare=False, repr=False)
    """The classes that it is compared with, one a row; found where none are given."""
    doubts: tuple[str, ...] = field(default=(), compare=False, repr=False)
    single = False

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"finer:{index_text(self.index)}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy, that of the weights as well: with N / D = Y, (dN/dy - Y dD/dy) / D."""
        axis, hot, near = self._axis(y), self._hot(y), self._near(y)
        p, apart = self._weighed(y)
        weight = np.sum(p * near, axis=axis, keepdims=True)
        above = np.sum(p * near * apart, axis=axis, keepdims=True)
        slope = p * near * (apart - self.alpha) - p * above + hot * weight
        Y = above / (weight + LITTLE)
        found: Array = (slope - Y * (p * near - p * weight)) / (weight + LITTLE)
        return found.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], summed over the positions of a dense score."""
        axis, near = self._axis(y), self._near(y)
        p, apart = self._weighed(y)
        weight = np.sum(p * near, axis=axis, keepdims=True) + LITTLE
        return per_row(np.sum(p * near * apart, axis=axis, keepdims=True) / weight)

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return top(y, self.class_axis) if self.index == -1 else pick(y, self.index, self.class_axis)

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """The class, and that it is told from others."""
        said = super().title(index, names)
        return f"{said}, finer" if said else ""

    def held(self, y: Array) -> FinerTarget:
        """The same classes a row, those that it is compared with as well."""
        closest = tuple(tuple(map(int, each)) for each in self._closest(y))
        return replace(self, index=tuple(self.classes(y)), closest=closest)

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """With a doubt about rows where the number is 0 for want of probability."""
        few = tuple(_unlikely(w) for w in self._weight(seen.score).tolist())
        return (replace(self, doubts=few) if any(few) else self,)

    def require(self, count: int) -> None:
        """There must be others."""
        require_others(count, self.label)

    def _axis(self, y: Array) -> int:
        return axis_of_several(y, self.class_axis, self.label)

    def _hot(self, y: Array) -> Array:
        return in_double(one_hot(y, self.classes(y), self.class_axis))

    def _near(self, y: Array) -> Array:
        """1 at the classes closest to c."""
        each = self._closest(y)
        near: Array = in_double(sum(one_hot(y, i, self.class_axis) for i in each))  # type: ignore[arg-type]
        return near

    def _closest(self, y: Array) -> list[Array]:
        """Rank by rank, int64 [N]; fewer of a score with fewer classes."""
        if self.closest:
            return [pick(y, each, self.class_axis) for each in self.closest]
        ranks = range(1, min(CLOSEST, y.shape[self._axis(y)] - 1) + 1)
        return [nearest(y, self.classes(y), rank, self.class_axis) for rank in ranks]

    def _weight(self, y: Array) -> Array:
        """What the classes it is compared with have, the most of any position [N]."""
        p = softmax(in_double(y), self.class_axis) * self._near(y)
        found: Array = np.sum(p, axis=self._axis(y)).reshape(len(y), -1).max(axis=1)
        return found

    def _weighed(self, y: Array) -> tuple[Array, Array]:
        """p, and y^c - alpha y at every class."""
        axis, y_c = self._axis(y), in_double(y) * self._hot(y)
        apart = np.sum(y_c, axis=axis, keepdims=True) - self.alpha * in_double(y)
        return softmax(in_double(y), self.class_axis), apart


def read(word: str, asking: Asking) -> tuple[FinerTarget] | None:
    """`finer:243`, `finer:tiger cat` or `finer:top`."""
    index = class_after("finer", word, asking)
    return None if index is None else (FinerTarget(index, asking.class_axis),)


FINER = Kind(
    "finer:243",
    "a class against the three closest to it in score (Finer-CAM)",
    read,
    of=SEVERAL,
    example=among_others,
)
