"""One class against another: `243-282`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...backend import Array
from ...errors import TargetError
from ..asking import Asking
from ..examples import among_others
from ..labels import find_class, label_of
from ..scores import class_score, one_hot, pick
from ..target import NONE, Kind, Outputs, ScoredTarget
from .asked_class import SEVERAL


@dataclass(frozen=True)
class ContrastTarget(ScoredTarget):
    """Y = y^a - y^b: why a and not b."""

    a: int
    b: int
    class_axis: int = 1
    single, linear = False, True

    def __post_init__(self) -> None:
        """A class against itself is no question."""
        if self.a == self.b:
            raise TargetError(f"{self.label}: a class cannot be contrasted with itself")

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"{self.a}-{self.b}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at a, -1 at b."""
        a, b = (one_hot(y, c, self.class_axis) for c in self._both(y))
        slope: Array = a - b
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        a, b = (class_score(y, c, self.class_axis) for c in self._both(y))
        difference: Array = a - b
        return difference

    def classes(self, y: Array) -> Array:
        """a for each row, int64 [N]."""
        return pick(y, self.a, self.class_axis)

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """Both labels."""
        return "" if names is None else f"{label_of(self.a, names)} - {label_of(self.b, names)}"

    def _both(self, y: Array) -> tuple[Array, Array]:
        return self.classes(y), pick(y, self.b, self.class_axis)


def read(word: str, asking: Asking) -> tuple[ContrastTarget] | None:
    """`243-282`, or two labels with a spaced hyphen between them; not what is a label itself."""
    parts = re.fullmatch(r"(\d+)\s*-\s*(\d+)|(.+?) - (.+)", word)
    if not parts or (asking.labels and word.casefold() in map(str.casefold, asking.labels)):
        return None
    a, b = (find_class(group, asking.labels) for group in parts.groups() if group is not None)
    return (ContrastTarget(a, b, asking.class_axis),)


CONTRAST = Kind(
    "243-282",
    "the first class against the second, by index or label",
    read,
    of=SEVERAL,
    example=among_others,
)
