"""Some cells of a score, one class or none: what places, masks and characters turn into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ...places import Cells
from ..labels import plain
from ..scores import find_axis, like, one_hot, per_row, pick
from ..target import NONE, UNRELATED, Outputs, ScoredTarget


@dataclass(frozen=True, eq=False)
class CellsTarget(ScoredTarget):
    """Y = sum over cells of w y^c, or of w y where the score has no classes."""

    index: int | tuple[int, ...] | None
    """One class for all rows, or one a row; None: the score has none."""
    weights: Array
    """[1 or N, *P], P the score's axes but those of rows and, where it has classes, of these."""
    class_axis: int = 1
    asked: str = "cells"
    """How it was asked for."""
    detail: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    outline: Cells | None = field(default=None, repr=False)
    single = False

    def __post_init__(self) -> None:
        """Keeps the class as plain ints."""
        object.__setattr__(self, "index", None if self.index is None else plain(self.index))

    @property
    def label(self) -> str:
        """How it was asked for."""
        return self.asked

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy = w at the class."""
        if self.index is None:
            self._fits(y.shape[1:])
            return like(y, self.weights.astype(y.dtype))
        axis = find_axis(y, self.class_axis)
        self._fits(y.shape[1:axis] + y.shape[axis + 1 :])
        classes = pick(y, self.index, self.class_axis)
        there = np.expand_dims(self.weights.astype(y.dtype), axis)
        slope: Array = one_hot(y, classes, self.class_axis) * there
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(y * self(y))

    def others(self, y: Array) -> dict[str, ScoredTarget]:
        """The class half the list away, over the same cells."""
        if self.index is None or self.tensor:
            return {}
        count = y.shape[find_axis(y, self.class_axis)]
        own = self.index if isinstance(self.index, int) else self.index[0]
        return {UNRELATED: replace(self, index=(own + count // 2) % count)} if count > 1 else {}

    def classes(self, y: Array) -> Array | None:
        """c of each row, int64 [N]."""
        return None if self.index is None else pick(y, self.index, self.class_axis)

    @property
    def probability(self) -> float | None:
        """Of a single row, the mean over its cells, where the model makes one."""
        facts = self.detail[0] if len(self.detail) == 1 else {}
        each = (part.get("probability") for part in facts.values() if isinstance(part, Mapping))
        return next((p for p in each if p is not None), None)

    def _fits(self, places: tuple[Any, ...]) -> None:
        if self.weights.shape[1:] != places:
            raise TargetError(
                f"{self.asked}: cells {list(self.weights.shape[1:])} do not fit a score with "
                f"{list(places)}"
            )
