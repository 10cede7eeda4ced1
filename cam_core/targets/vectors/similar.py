"""The likeness of an embedding to another: `like:other.jpg`, `like:vector.npy`, `unlike:...`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking, Seen
from ..scores import check, in_double, per_row
from ..target import NONE, AwaitingTarget, Kind, Mirrored, Outputs, ScoredTarget

VECTOR = ".npy"


@dataclass(frozen=True, eq=False)
class SimilarTarget(ScoredTarget):
    """Y = y.v / (|y| |v|), the cosine to a vector of the same model; or its negative."""

    vector: Array
    """v: [C], or [1 or N, ...] as the score."""
    label: str = "like"
    away: bool = False
    detail: tuple[Mapping[str, Any], ...] = ()
    other: str = ""
    """The picture that the vector is of, which has a map of its own."""
    unit = "cosine"

    def __post_init__(self) -> None:
        """A vector that is numbers and points somewhere."""
        v = np.asarray(self.vector)
        if not np.issubdtype(v.dtype, np.floating) or v.size == 0 or not np.all(np.isfinite(v)):
            raise TargetError(f"{self.label}: the vector is no finite floating point numbers")
        if not np.any(v):
            raise TargetError(f"{self.label}: the vector is 0 and points nowhere")

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy = (u - cos y/|y|) / |y|, u = v/|v|: across y alone, since length counts nothing."""
        u, length = self._towards(y), self._length(y)
        along = in_double(y) / length
        cosine = np.sum(along * u, axis=self._axes(y), keepdims=True)
        slope: Array = (u - cosine * along) / length
        return slope.astype(y.dtype)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(in_double(y) * self._towards(y) / self._length(y))

    def classes(self, y: Array) -> None:
        """None: it is about no class."""

    def mirrored(self, y: Array) -> Mirrored | None:
        """The other picture's likeness to this one."""
        if not self.other:
            return None
        return Mirrored(self.other, SimilarTarget(y, self.label, self.away, self.detail))

    def _towards(self, y: Array) -> Array:
        """u, or -u: [1 or N, ...] as y."""
        check(y)
        v = np.asarray(self.vector, np.float64)
        v = v[None] if v.ndim == y.ndim - 1 else v
        if v.shape[1:] != tuple(y.shape[1:]) or v.shape[0] not in (1, y.shape[0]):
            raise TargetError(
                f"{self.label}: a vector {list(self.vector.shape)}, and the model gives "
                f"{list(y.shape)}: give one that the same model made"
            )
        u: Array = v / np.sqrt(np.sum(v * v, axis=self._axes(v), keepdims=True))
        return -u if self.away else u

    def _length(self, y: Array) -> Array:
        z = in_double(y)
        length = np.sqrt(np.sum(z * z, axis=self._axes(y), keepdims=True))
        one: Array = np.where(length > 0, length, 1.0)
        return one

    def _axes(self, y: Array) -> tuple[int, ...]:
        return tuple(range(1, y.ndim))


@dataclass(frozen=True)
class LikeTarget(AwaitingTarget):
    """The same to another picture, which the model has to be shown first."""

    file: str
    away: bool = False
    class_axis: int = field(default=1, compare=False)

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"{_word(self.away)}:{self.file}"

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The likeness to the vector that the model gives of it."""
        if seen.answer is None:
            raise TargetError(
                f"{self.label}: pictures are prepared by gradcam explain; in Python give the "
                "model's own vector: SimilarTarget(backend.look(other).score)"
            )
        v = seen.answer(self.file)
        detail = ({"like": {"picture": self.file, "away": self.away}},) * len(seen.score)
        return [SimilarTarget(v, self.label, self.away, detail, self.file)]


def vector_of(file: str, label: str) -> Array:
    """Of an .npy.

    Raises:
        TargetError: there is none.
    """
    try:
        return np.asarray(np.load(Path(file), allow_pickle=False))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "is no .npy"
        raise TargetError(f"{label}: '{file}': {why}. Check the path.") from error


def _word(away: bool) -> str:
    return "unlike" if away else "like"


def read(word: str, asking: Asking) -> tuple[ScoredTarget] | None:
    """`like:other.jpg`, `like:vector.npy`; `unlike:` of either."""
    found = re.fullmatch(r"(un)?like:(.+)", word)
    if found is None:
        return None
    if asking.kind == "boxes":
        raise TargetError(f"target '{word}' is about one vector a picture; of boxes ask for box:0")
    file, away = found[2].strip(), found[1] is not None
    if Path(file).suffix.lower() != VECTOR:
        return (LikeTarget(file, away, asking.class_axis),)
    return (SimilarTarget(vector_of(file, word), f"{_word(away)}:{file}", away),)


SIMILAR = Kind(
    "like:other.jpg",
    "the cosine to another picture, or to like:vector.npy; unlike: away",
    read,
    of=("embedding", "classes", "multi-label", "unknown"),
)
