"""The loss of a class: `loss:243`, whose gradient points to what the model gets wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...head import Head
from ..asking import Asking
from ..examples import as_classes
from ..labels import index_text, plain
from ..scores import find_axis, in_double, one_hot, per_row, pick, sigmoid, softmax, top
from ..target import NONE, Kind, Outputs, ScoredTarget
from .asked_class import WITH_CLASSES, class_after

OTHER_SIDE = "-0"
"""As a binary head's second class is written."""


@dataclass(frozen=True)
class LossTarget(ScoredTarget):
    """Y = -log softmax(y)^c, the cross-entropy, or -log sigmoid(y^c) of a sigmoid's head.

    Uphill in the loss is away from the class: the map shows what speaks against it. Y is never
    negative, and its slope vanishes as p^c nears 1.
    """

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    how: str = "softmax"
    """`softmax`, or `sigmoid`: the loss of each class by itself."""
    absent: bool = False
    """Of a sigmoid: the loss if the truth is that the class is not there, -log(1 - p)."""
    unit = "loss"

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"loss:{OTHER_SIDE}" if self.absent else f"loss:{index_text(self.index)}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy = softmax(y) - 1[c]; of a sigmoid -sigmoid(-y^c) at the class alone."""
        hot = self._hot(y)
        if self.how == "sigmoid":
            slope = self._sign * sigmoid(self._sign * in_double(y)) * hot
        else:
            slope = softmax(in_double(y), self.class_axis) - hot
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], summed over the positions of a dense score."""
        axis, hot, y = find_axis(y, self.class_axis), self._hot(y), in_double(y)
        if self.how == "sigmoid":
            wrong = self._sign * y
            each: Array = np.maximum(wrong, 0) + np.log(np.exp(-np.abs(wrong)) + 1)
            return per_row(each * hot)
        below = np.max(y, axis=axis, keepdims=True) - y  # >= 0
        all_of_it = np.log(np.sum(np.exp(-below), axis=axis, keepdims=True))
        return per_row(np.sum(below * hot, axis=axis, keepdims=True) + all_of_it)

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return top(y, self.class_axis) if self.index == -1 else pick(y, self.index, self.class_axis)

    def held(self, y: Array) -> LossTarget:
        """The same class a row."""
        return replace(self, index=tuple(self.classes(y)))

    @property
    def _sign(self) -> int:
        """Of y in the loss of a sigmoid."""
        return 1 if self.absent else -1

    def _hot(self, y: Array) -> Array:
        return in_double(one_hot(y, self.classes(y), self.class_axis))


def read(word: str, asking: Asking) -> tuple[LossTarget] | None:
    """`loss:243`, `loss:tiger cat`, `loss:top`; of a binary head `loss:0` and `loss:-0`."""
    index = class_after("loss", word, asking)
    if index is None:
        return None
    how = _how(asking.head, word)
    absent = word.partition(":")[2].strip() == OTHER_SIDE
    if absent and how != "sigmoid":
        raise TargetError(f"target '{word}': only a sigmoid has another side; ask for loss:0")
    return (LossTarget(index, asking.class_axis, how, absent),)


def _how(head: Head | None, word: str) -> str:
    """What the head was trained with; classes that nothing is applied to go through a softmax."""
    if head is None:
        return "softmax"
    if not head.ranked:
        raise TargetError(f"target '{word}': the model gives {head.kind}, no class: ask for value")
    return head.probability or "softmax"


LOSS = Kind(
    "loss:243",
    "the cross-entropy of a class (of a sigmoid BCE): uphill is what speaks against it",
    read,
    of=WITH_CLASSES,
    example=as_classes,
)
