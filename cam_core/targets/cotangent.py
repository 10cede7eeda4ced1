"""Any target at all, by its cotangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import TargetError
from .asking import Asking
from .scores import check, per_row
from .target import NONE, Kind, Outputs, ScoredTarget


@dataclass(frozen=True, eq=False)
class CotangentTarget(ScoredTarget):
    """Any target at all, as dY/dy itself: an array of the score's shape, or a function of it.

    The score it reports is <dY/dy, y>: Y itself where Y is linear in y.
    """

    cotangent: Array | Callable[[Array, Outputs], Array]
    label: str = "cotangent"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy."""
        check(y)
        given = self.cotangent
        value = given(y, outputs) if callable(given) else given
        if value.shape != y.shape and value.shape != (1, *y.shape[1:]):
            raise TargetError(f"a cotangent {value.shape} does not fit a score {y.shape}")
        return np.broadcast_to(value, y.shape).astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """<dY/dy, y> [N]."""
        return per_row(y * self(y, outputs))

    def classes(self, y: Array) -> None:
        """None: it is about no single class."""


def read(word: str, asking: Asking) -> None:
    """No text is one: it is handed over, or fed to a file."""


COTANGENT = Kind("", "any target, as an array dY/dy or a function of the score", read)
