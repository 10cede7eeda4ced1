"""What is explained: a target turns the score tensor y into the cotangent dY/dy.

Of a dense score, [N, C, *S] or with `class_axis=-1` [N, *S, C], Y is the sum over all positions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np

from ..backend import Array, Target
from ..errors import TargetError
from .labels import find_class, index_text, plain
from .scores import check, find_axis, one_hot, per_row, pick, pool, probabilities, spread

Outputs = Mapping[str, Array]
NONE: Outputs = MappingProxyType({})
MOST = 100_000
"""Targets of one top:k; no classifier has as many classes."""


@runtime_checkable
class ScoredTarget(Protocol):
    """A target that also knows its score, its class and its name, as all of these do."""

    @property
    def label(self) -> str:
        """How it is called."""
        ...

    def __call__(self, logits: Array, outputs: Outputs) -> Array:
        """dY/dy, of y's shape."""
        ...

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        ...

    def classes(self, logits: Array) -> Array | None:
        """The class of each row, int64 [N], where it is about one."""
        ...


@dataclass(frozen=True)
class ClassTarget:
    """Y = y^c, the score of one class for all rows or of one class a row; -1 is the top class."""

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    mask: Array | None = field(default=None, compare=False, repr=False)
    """Of a dense score: the weight of each position, [*S] or [N, *S]."""

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is called."""
        return index_text(self.index)

    def __call__(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class, or the mask."""
        chosen = one_hot(logits, self.classes(logits), self.class_axis)
        if self.mask is None:
            return chosen
        return chosen * spread(self.mask, logits, self.class_axis)

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(logits * self(logits, outputs))

    def classes(self, logits: Array) -> Array:
        """c of each row, int64 [N]."""
        return pick(self.index, logits, self.class_axis)


@dataclass(frozen=True)
class TopTarget:
    """Y = y^c of each row's class of that rank; 1 is the best."""

    rank: int = 1
    class_axis: int = 1

    def __post_init__(self) -> None:
        """Ranks start at 1."""
        if self.rank < 1:
            raise TargetError(f"top:{self.rank} is no rank; 1 is the best class")

    @property
    def label(self) -> str:
        """How it is called."""
        return f"top:{self.rank}"

    def __call__(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class."""
        return one_hot(logits, self.classes(logits), self.class_axis)

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(logits * self(logits, outputs))

    def classes(self, logits: Array) -> Array:
        """c of each row, int64 [N]."""
        pooled = pool(logits, self.class_axis)
        if self.rank > pooled.shape[1]:
            raise TargetError(f"top:{self.rank}: the score has only {pooled.shape[1]} classes")
        order: Array = np.argsort(-pooled, axis=1, kind="stable")
        return order[:, self.rank - 1].astype(np.int64)


@dataclass(frozen=True)
class ContrastTarget:
    """Y = y^a - y^b: why a and not b."""

    a: int
    b: int
    class_axis: int = 1

    def __post_init__(self) -> None:
        """A class against itself is no question."""
        if self.a == self.b:
            raise TargetError(f"{self.label}: a class cannot be contrasted with itself")

    @property
    def label(self) -> str:
        """How it is called."""
        return f"{self.a}-{self.b}"

    def __call__(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at a, -1 at b."""
        other = one_hot(logits, pick(self.b, logits, self.class_axis), self.class_axis)
        return one_hot(logits, self.classes(logits), self.class_axis) - other

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(logits * self(logits, outputs))

    def classes(self, logits: Array) -> Array:
        """a for each row, int64 [N]."""
        return pick(self.a, logits, self.class_axis)


@dataclass(frozen=True)
class ProbabilityTarget:
    """Y = p^c = softmax(y)^c (the sigmoid where there is one class); -1 is the top class.

    Its gradient carries the other classes too, dp^c/dy^j = p^c (1[j = c] - p^j), and vanishes as
    p^c nears 0 or 1.
    """

    index: int | tuple[int, ...] = -1
    class_axis: int = 1

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is called."""
        return f"prob:{index_text(self.index)}"

    def __call__(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy, summed in float64: 1 - p^c keeps its digits when p^c is nearly 1."""
        chosen = one_hot(logits, self.classes(logits), self.class_axis).astype(np.float64)
        axis = find_axis(logits, self.class_axis)
        p, one_class = probabilities(logits, axis)
        if one_class:
            bell: Array = p * (1 - p)
            return bell.astype(logits.dtype)
        others = p * (1 - chosen)
        p_c: Array = np.sum(p * chosen, axis=axis, keepdims=True)
        rest: Array = np.sum(others, axis=axis, keepdims=True)
        slope: Array = p_c * (chosen * rest - others)
        return slope.astype(logits.dtype)

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        p, _ = probabilities(logits, find_axis(logits, self.class_axis))
        return per_row(p * one_hot(logits, self.classes(logits), self.class_axis))

    def classes(self, logits: Array) -> Array:
        """c of each row, int64 [N]."""
        return pick(self.index, logits, self.class_axis)


@dataclass(frozen=True, eq=False)
class CotangentTarget:
    """Any target at all, as dY/dy itself: an array of the score's shape, or a function of it.

    The score it reports is <dY/dy, y>: Y itself where Y is linear in y.
    """

    cotangent: Array | Callable[[Array, Outputs], Array]
    label: str = "cotangent"

    def __call__(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy."""
        check(logits)
        given = self.cotangent
        value = given(logits, outputs) if callable(given) else given
        if value.shape != logits.shape and value.shape != (1, *logits.shape[1:]):
            raise TargetError(f"a cotangent {value.shape} does not fit a score {logits.shape}")
        return np.broadcast_to(value, logits.shape).astype(logits.dtype)

    def score(self, logits: Array, outputs: Outputs = NONE) -> Array:
        """<dY/dy, y> [N]."""
        return per_row(logits * self(logits, outputs))

    def classes(self, logits: Array) -> None:
        """None: it is about no single class."""


def parse_target(
    text: str, labels: Sequence[str] | None = None, *, class_axis: int = 1
) -> tuple[ScoredTarget, ...]:
    """What a user wrote -> one target, or k for top:k.

    `243` a class (-1 the top one), `tiger cat` a label, `top:3` the three best, `prob:243` a
    probability, `243-282` or `tiger cat - beagle` the first against the second.
    """
    word = text.strip()
    kind, _, rest = word.partition(":")
    if kind == "top" and re.fullmatch(r"\d*", rest):
        count = int(rest or 1)
        if count < 1:
            raise TargetError(f"target '{text}': top:k needs a k of at least 1")
        if count > MOST:
            raise TargetError(f"target '{text}': top:k takes a k of at most {MOST}")
        return tuple(TopTarget(rank, class_axis) for rank in range(1, count + 1))
    if kind == "prob" and rest:
        index = -1 if rest.strip() == "top" else find_class(rest, labels)
        return (ProbabilityTarget(index, class_axis),)
    parts = re.fullmatch(r"(\d+)\s*-\s*(\d+)|(.+?) - (.+)", word)
    if parts and not (labels and word.casefold() in map(str.casefold, labels)):
        a, b = (find_class(group, labels) for group in parts.groups() if group is not None)
        return (ContrastTarget(a, b, class_axis),)
    return (ClassTarget(find_class(word, labels), class_axis),)


def as_target(
    value: ScoredTarget | Target | int | str | Sequence[int] | None,
    labels: Sequence[str] | None = None,
    *,
    class_axis: int = 1,
) -> ScoredTarget:
    """One target from whatever names it: None (the top class), class, classes, text, target."""
    if isinstance(value, str):
        found = parse_target(value, labels, class_axis=class_axis)
        if len(found) > 1:
            raise TargetError(f"target '{value}' is {len(found)} targets: explain them one by one")
        return found[0]
    if callable(value):
        return value if isinstance(value, ScoredTarget) else CotangentTarget(value)
    return ClassTarget(-1 if value is None else plain(value), class_axis)
