"""Any number of any output: `out:NAME[3]`, `out:NAME[0,4]`; a slice is the sum of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..backend import Array
from ..errors import TargetError
from .asking import Asking, Seen
from .examples import Facts
from .scores import check, per_row
from .target import NONE, Kind, Outputs, ScoredTarget

Index = tuple[int | slice, ...]
PART = r"\s*(?:-?\d+|-?\d*\s*:\s*-?\d*)\s*"


@dataclass(frozen=True)
class OutTarget(ScoredTarget):
    """Y = the sum of y[n, *index], y an output as the model gives it, no logits before it.

    The index counts the output's axes but that of its rows; axes that it leaves out are taken
    whole. An output that counts no rows of the input, as the boxes after suppression, is one row.
    """

    output: str
    index: Index | None = None
    """None: the only number there is."""
    text: str = field(default="", compare=False)
    """The index as it was written."""
    unit = "output"

    @property
    def tensor(self) -> str:
        """The output."""
        return self.output

    @property
    def label(self) -> str:
        """How it is asked for."""
        return f"out:{self.output}" + (f"[{self.text}]" if self.index is not None else "")

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy: 1 at what is asked for."""
        slope = np.zeros_like(y)
        slope[self._at(y)] = 1
        return slope

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        return per_row(y[self._at(y)])

    def classes(self, y: Array) -> None:
        """None: it is about no class."""

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """The same, of an output that there is."""
        if self.output not in seen.outputs:
            names = ", ".join(f"'{name}'" for name in seen.outputs)
            raise TargetError(f"{self.label}: no such output; the model gives {names}")
        return [self]

    def _at(self, y: Array) -> Index:
        check(y)
        shape = y.shape[1:]
        if self.index is None and y[:1].size > 1:
            raise TargetError(
                f"{self.label}: which of its numbers {list(shape)}? Write {self.label}[0] for one, "
                f"[:] for their sum"
            )
        index = self.index or ()
        if len(index) > len(shape):
            raise TargetError(f"{self.label}: its numbers are {list(shape)}, {len(shape)} axes")
        for at, extent in zip(index, shape, strict=False):
            if not (_fits(at, extent)):
                raise TargetError(
                    f"{self.label}: its numbers are {list(shape)}, 0 to {extent - 1} there"
                )
        return (slice(None), *index)


def _fits(at: int | slice, extent: int) -> bool:
    """Does it name anything along an axis of so many?"""
    if isinstance(at, slice):
        return len(range(*at.indices(extent))) > 0
    return -extent <= at < extent


def read(word: str, asking: Asking) -> tuple[OutTarget] | None:
    """`out:NAME`, `out:NAME[3]`, `out:NAME[0,4]`, `out:NAME[:,2]`."""
    found = re.fullmatch(r"out:(.+?)(?:\[([^\[\]]*)\])?", word)
    if found is None:
        return None
    name, text = found[1].strip(), found[2]
    if text is None:
        return (OutTarget(name),)
    if not re.fullmatch(rf"{PART}(?:,{PART})*", text):
        raise TargetError(f"target '{word}': an index is numbers and slices, as [3], [0,4], [:,2]")
    text = "".join(text.split())
    return (OutTarget(name, tuple(map(_part, text.split(","))), text),)


def _part(text: str) -> int | slice:
    if ":" not in text:
        return int(text)
    start, stop = (int(end) if end else None for end in text.split(":"))
    return slice(start, stop)


def _example(written: str, facts: Facts) -> str | None:
    """Of the output with the score, or with the boxes."""
    if facts.asking.head is None:
        return written
    boxes = facts.asking.head.boxes
    names = [facts.asking.head.output if boxes is None else boxes.output, *facts.outputs]
    name = next((name for name in names if name in facts.outputs), None)
    return None if name is None else f"out:{name}[0]"


OUT = Kind(
    "out:NAME[3]",
    "any number of any output; [0,4] one of a table, [:] the sum",
    read,
    example=_example,
)
