"""A class: `243`, or its label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ...backend import Array
from ...errors import NothingFoundError
from ..asking import Asking
from ..examples import as_classes
from ..labels import find_class, index_text, plain
from ..scores import class_score, one_hot, per_row, pick, pool, spread
from ..target import NONE, SECOND, UNRELATED, Kind, Outputs, ScoredTarget
from .asked_class import WITH_CLASSES, classes_by_row


@dataclass(frozen=True)
class ClassTarget(ScoredTarget):
    """Y = y^c, the score of one class for all rows or of one class a row; -1 is the top class."""

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    mask: Array | None = field(default=None, compare=False, repr=False)
    """Of a dense score: the weight of each position, [*S] or [N, *S]."""
    linear = True

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", plain(self.index))

    @property
    def label(self) -> str:
        """How it is asked for."""
        return index_text(self.index)

    @property
    def named(self) -> int | None:
        """The class, unless it is the top one or there is one a row."""
        return self.index if isinstance(self.index, int) and self.index >= 0 else None

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at the class, or the mask."""
        chosen = one_hot(y, self.classes(y), self.class_axis)
        return chosen if self.mask is None else chosen * spread(self.mask, y, self.class_axis)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        if self.mask is not None:
            return per_row(y * self(y, outputs))
        return class_score(y, self.classes(y), self.class_axis)

    def classes(self, y: Array) -> Array:
        """c of each row, int64 [N]."""
        return pick(y, self.index, self.class_axis)

    def name(self, index: int | None) -> str:
        """The class that it turned out to be."""
        return self.label if index is None else str(index)

    def held(self, y: Array) -> ClassTarget:
        """The same class a row."""
        return replace(self, index=tuple(self.classes(y)))

    def others(self, y: Array) -> dict[str, ScoredTarget]:
        """The likeliest class but this, where there are three, and the one half the list away."""
        own, scores = self.classes(y), pool(y, self.class_axis)
        count = scores.shape[1]
        if count < 2:
            return {}
        order = np.argsort(-scores, axis=1, kind="stable")
        second = np.where(order[:, 0] == own, order[:, 1], order[:, 0])
        named = {SECOND: second} if count > 2 else {}
        named[UNRELATED] = (own + count // 2) % count
        return {name: ClassTarget(of.tolist(), self.class_axis) for name, of in named.items()}

    def of_classes(self, to: Callable[[int], int | None], class_axis: int) -> ClassTarget:
        """By its class there, one for all rows where that is one."""
        found = []
        for c in [self.index] if isinstance(self.index, int) else self.index:
            other = to(c)
            if other is None:
                raise NothingFoundError(f"B has no class {c} of A")
            found.append(other)
        one = found[:1] if len(set(found)) == 1 else found
        return replace(self, index=tuple(one), class_axis=class_axis)

    def of_row(self, row: int, count: int) -> ClassTarget:
        """Its own class, where there is one for each."""
        each = isinstance(self.index, tuple) and len(self.index) == count
        return replace(self, index=self.index[row]) if each else self  # type: ignore[index]


def read(word: str, asking: Asking) -> tuple[ClassTarget]:
    """Any text is a class, or a label that nobody knows; `3,5,1` is one a row."""
    if (each := classes_by_row(word, asking)) is not None:
        return (ClassTarget(each, asking.class_axis),)
    return (ClassTarget(find_class(word, asking.labels), asking.class_axis),)


CLASS = Kind(
    "243",
    "the score of a class, by its index or its label; -1 is the top one",
    read,
    of=WITH_CLASSES,
    example=as_classes,
)
