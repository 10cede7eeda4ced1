"""What speaks against something: `-243`, `-value`, `-prob:243`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..backend import Array
from ..errors import TargetError
from .asking import Asking, Seen
from .target import NONE, Kind, Mirrored, Outputs, ScoredTarget

Taken = Callable[[str, Asking], tuple[Kind, tuple[ScoredTarget, ...]]]
"""(text, what it is asked about) -> the kind that takes it, and its targets."""


@dataclass(frozen=True)
class AgainstTarget(ScoredTarget):
    """Y = -Y of another target."""

    of: ScoredTarget

    @property
    def label(self) -> str:
        """How it is asked for; a sign alone would make -1 of class 1."""
        return f"against:{self.of.label}"

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy."""
        return -self.of(y, outputs)

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return -self.of.score(y, outputs)

    def classes(self, y: Array) -> Array | None:
        """Those of the other."""
        return self.of.classes(y)

    @property
    def unit(self) -> str:
        """That of the other."""
        return self.of.unit

    @property
    def single(self) -> bool:
        """As the other."""
        return self.of.single

    @property
    def detail(self) -> tuple[Mapping[str, Any], ...]:
        """What there is to say of the other."""
        return self.of.detail

    @property
    def probability(self) -> float | None:
        """That of the other: how likely is what this speaks against?"""
        return self.of.probability

    def name(self, index: int | None) -> str:
        """The other's, turned round."""
        return f"against:{self.of.name(index)}"

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """The other's, turned round."""
        said = self.of.title(index, names)
        return f"against {said}" if said else ""

    def held(self, y: Array) -> AgainstTarget:
        """Of the other, held."""
        return replace(self, of=self.of.held(y))

    def suited(self, probability: str) -> AgainstTarget:
        """Of the other, suited."""
        found = self.of.suited(probability)
        return self if found is self.of else replace(self, of=found)

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """Against each that the other turns out to be."""
        return [replace(self, of=one) for one in self.of.found_in(seen)]

    def require(self, count: int) -> None:
        """As the other."""
        self.of.require(count)

    def of_row(self, row: int, count: int) -> AgainstTarget:
        """As the other."""
        found = self.of.of_row(row, count)
        return self if found is self.of else replace(self, of=found)

    @property
    def tensor(self) -> str:
        """That of the other."""
        return self.of.tensor

    @property
    def beside(self) -> ScoredTarget | None:
        """Against the other's, where it is of two outputs."""
        return None if self.of.beside is None else AgainstTarget(self.of.beside)

    def mirrored(self, y: Array) -> Mirrored | None:
        """Against the other's."""
        found = self.of.mirrored(y)
        return None if found is None else found._replace(target=AgainstTarget(found.target))


def against(taken: Taken) -> Kind:
    """The row, of whatever a table takes a text for."""

    def read(word: str, asking: Asking) -> tuple[AgainstTarget] | None:
        """`-243`, `-tiger cat`, `against:1`; not `-1`, the top class, nor a label itself."""
        found = re.fullmatch(r"(?:against:|-(?!\s))\s*(.+)", word)
        if found is None or word == "-1":
            return None
        if word.casefold() in map(str.casefold, asking.labels or ()) and not found[1].isdecimal():
            return None
        kind, targets = taken("-1" if found[1] == "top" else found[1], asking)
        if kind.several or len(targets) > 1:
            raise TargetError(f"target '{word}': one speaks against one thing; ask one by one")
        return (AgainstTarget(targets[0]),)

    return Kind("-243", "what speaks against it, of any target; of class 1 against:1", read)
