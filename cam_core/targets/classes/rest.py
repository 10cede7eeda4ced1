"""A class against all the others: `rest:243`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...backend import Array
from ..asking import Asking
from ..examples import among_others
from ..labels import index_text, plain
from ..scores import in_double, one_hot, per_row, pick, softmax, top
from ..target import NONE, Kind, Outputs, ScoredTarget
from .asked_class import SEVERAL, axis_of_several, class_after, require_others

FAR = 1e30
"""What takes a class out of a maximum, in float32 too."""


@dataclass(frozen=True)
class RestTarget(ScoredTarget):
    """Y = y^c - log sum_{i != c} exp y^i, the log-odds of a softmax: why c and none of the others.

    Unlike log p^c its slope stays 1 at the class however sure the model is.
    """

    index: int | tuple[int, ...] = -1
    class_axis: int = 1

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"rest:{index_text(self.index)}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class, less the softmax of the others among themselves."""
        hot = self._hot(y)
        slope: Array = hot - softmax(in_double(y) - hot * FAR, self.class_axis)
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], summed over the positions of a dense score."""
        axis, hot, y = self._axis(y), self._hot(y), in_double(y)
        others = y - hot * FAR
        most = np.max(others, axis=axis, keepdims=True)
        spread = np.log(np.sum(np.exp(others - most), axis=axis, keepdims=True))
        return per_row(np.sum(y * hot, axis=axis, keepdims=True) - most - spread)

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return top(y, self.class_axis) if self.index == -1 else pick(y, self.index, self.class_axis)

    def held(self, y: Array) -> RestTarget:
        """The same class a row."""
        return replace(self, index=tuple(self.classes(y)))

    def require(self, count: int) -> None:
        """There must be others."""
        require_others(count, self.label)

    def _axis(self, y: Array) -> int:
        return axis_of_several(y, self.class_axis, self.label)

    def _hot(self, y: Array) -> Array:
        self._axis(y)
        return in_double(one_hot(y, self.classes(y), self.class_axis))


def read(word: str, asking: Asking) -> tuple[RestTarget] | None:
    """`rest:243`, `rest:tiger cat` or `rest:top`."""
    index = class_after("rest", word, asking)
    return None if index is None else (RestTarget(index, asking.class_axis),)


REST = Kind(
    "rest:243",
    "a class against all the others: its score less their log-sum-exp",
    read,
    of=SEVERAL,
    example=among_others,
)
