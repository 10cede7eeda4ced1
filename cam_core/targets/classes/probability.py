"""The probability of a class: `prob:243`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..examples import as_classes
from ..labels import find_class, index_text, plain
from ..scores import find_axis, in_double, one_hot, per_row, pick, sigmoid, softmax, top
from ..target import NONE, Kind, Outputs, ScoredTarget
from .asked_class import WITH_CLASSES


class Each(NamedTuple):
    """A probability of each score by itself."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    score: Callable[[Any], Any]
    """What has that probability."""


def _exp(y: Array) -> Array:
    p: Array = np.exp(y)
    return p


def _logit(p: Array) -> Array:
    y: Array = np.log(p) - np.log1p(-p)
    return y


EACH = {
    "sigmoid": Each(sigmoid, lambda y: sigmoid(y) * sigmoid(-y), _logit),
    "exp": Each(_exp, _exp, np.log),
}


@dataclass(frozen=True)
class ProbabilityTarget(ScoredTarget):
    """Y = p^c, softmax(y)^c or sigmoid(y^c) as the model itself has it; -1 is the top class.

    The gradient of a softmax carries the other classes too, dp^c/dy^j = p^c (1[j = c] - p^j); both
    vanish as p^c nears 0 or 1.
    """

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    how: str = ""
    """`softmax`, `sigmoid` or `exp`; '' is the model's own, which `suited` fills in."""
    unit = "probability"

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))
        if self.how not in ("", *EACH, "softmax"):
            raise TargetError(f"how={self.how!r} makes no probability: give softmax or sigmoid")

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"prob:{index_text(self.index)}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy = p^c (1[j = c] sum_{i != c} p^i - 1[j != c] p^j), or p^c (1 - p^c) 1[j = c].

        The sum over the other classes keeps its digits where p^c is nearly 1.
        """
        if self._each(y):
            bell: Array = EACH[self.how].slope(in_double(y)) * self._chosen(y)
            return bell.astype(y.dtype)
        p, chosen, axis = softmax(in_double(y), self.class_axis), self._chosen(y), self._axis(y)
        others = p * (1 - chosen)
        p_c = np.sum(p * chosen, axis=axis, keepdims=True)
        rest = np.sum(others, axis=axis, keepdims=True)
        slope: Array = p_c * (chosen * rest - others)
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N], summed over the positions of a dense score."""
        if self._each(y):
            return per_row(EACH[self.how].value(in_double(y)) * self._chosen(y))
        p = softmax(in_double(y), self.class_axis)
        return per_row(np.sum(p * self._chosen(y), axis=self._axis(y), keepdims=True))

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return top(y, self.class_axis) if self.index == -1 else pick(y, self.index, self.class_axis)

    def held(self, y: Array) -> ProbabilityTarget:
        """The same class a row."""
        return replace(self, index=tuple(self.classes(y)))

    def suited(self, probability: str) -> ProbabilityTarget:
        """The probability that the model has.

        Raises:
            TargetError: it has none.
        """
        found = replace(self, how=self.how or probability)
        found._require()
        return found

    def _each(self, y: Array) -> bool:
        """A probability for each class by itself?"""
        self._require()
        return self.how in EACH

    def _require(self) -> None:
        if not self.how:
            raise TargetError(
                f"{self.label}: the model makes no probability of its score, no Softmax and no "
                f"Sigmoid; explain the score itself, {index_text(self.index)}"
            )

    def _axis(self, y: Array) -> int:
        return find_axis(y, self.class_axis)

    def _chosen(self, y: Array) -> Array:
        return in_double(one_hot(y, self.classes(y), self.class_axis))


def read(word: str, asking: Asking) -> tuple[ProbabilityTarget] | None:
    """`prob:243`, `prob:tiger cat` or `prob:top`."""
    kind, _, rest = word.partition(":")
    if kind != "prob" or not rest:
        return None
    index = -1 if rest.strip() == "top" else find_class(rest, asking.labels)
    return (ProbabilityTarget(index, asking.class_axis),)


PROBABILITY = Kind(
    "prob:243",
    "the probability of a class, where the model makes one of its scores",
    read,
    of=(*WITH_CLASSES, "similarity"),
    example=as_classes,
)
