"""The length of an embedding: `norm`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..scores import check, in_double, per_row
from ..target import NONE, Kind, Outputs, ScoredTarget


@dataclass(frozen=True)
class NormTarget(ScoredTarget):
    """Y = |y|, the length of each row's vector: what the model has an opinion about at all."""

    label = "norm"
    unit = "length"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy = y / |y|; 0 of a vector that is 0."""
        length = _length(y)
        slope: Array = in_double(y) / np.where(length > 0, length, 1.0)
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(_length(y))

    def classes(self, y: Array) -> None:
        """None: it is about no class."""


def _length(y: Array) -> Array:
    """[N, 1, ...]"""
    check(y)
    z = in_double(y)
    length: Array = np.sqrt(np.sum(z * z, axis=tuple(range(1, y.ndim)), keepdims=True))
    return length


def read(word: str, asking: Asking) -> tuple[NormTarget] | None:
    """`norm`, where it is no label."""
    if word != "norm" or word in (asking.labels or ()):
        return None
    if asking.kind == "boxes":
        raise TargetError("target 'norm' is the length of a vector; of boxes ask for box:0")
    return (NormTarget(),)


NORM = Kind(
    "norm", "the length of an embedding", read, of=("embedding", "regression", "picture", "unknown")
)
