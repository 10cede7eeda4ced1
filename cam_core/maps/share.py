"""How a layer is read whose batch several inputs share: the rows of one input, then of the next.

The functions run on symbolic tensors too, as those of `Layout` do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import InputError, LayerError
from .arrangement import Arrangement
from .layout import Layout


@dataclass(frozen=True)
class Share:
    """The rows of one of several inputs, [m N, ...].

    >>> Share(Layout("NCHW"), 0, 2).text()              # N rows of one input, N of the other
    'NCHW of rows 1/2'
    >>> Share(Layout("NCHW"), 1, 2, turns=True).text()  # they take turns
    'NCHW of rows 1::2'
    """

    inside: Layout | Arrangement
    """How those rows are read."""
    part: int
    """Whose they are, from 0."""
    parts: int
    """Inputs that share the batch, with as many rows each."""
    turns: bool = False
    """Does one row of each follow the other?"""

    @property
    def axis(self) -> int:
        """Where the batch is."""
        if isinstance(self.inside, Layout):
            return self.inside.axes.index("N")
        return next((i for i, names in enumerate(self.inside.axes) if "N" in names), 0)

    @property
    def maps(self) -> tuple[int, ...]:
        """How many maps each row has, by frames and the like."""
        return self.inside.maps if isinstance(self.inside, Arrangement) else ()

    @property
    def summary(self) -> int:
        """How many tokens have no place in space."""
        return self.inside.summary

    @property
    def identity(self) -> bool:
        """Never: it is a part of the tensor."""
        return False

    def apply(self, t: Array) -> Array:
        """The rows of the input as [N, K, *S]."""
        return self.inside.apply(self._own(t))

    def invert(self, A: Array, original: Array | None = None) -> Array:
        """[N, K, *S] in the tensor's own axes; the rows of other inputs are those of `original`."""
        if original is None:
            raise LayerError(f"layout {self.text()}: the rows beside must be given to invert it")
        each = [Share(self.inside, i, self.parts, self.turns)._own(original) for i in self._numbers]
        each[self.part] = self.inside.invert(A, each[self.part])
        return _alternating(each, self.axis) if self.turns else np.concatenate(each, self.axis)

    def text(self) -> str:
        """As metadata keeps it: that of the rows, and which they are."""
        which = f"{self.part}::{self.parts}" if self.turns else f"{self.part + 1}/{self.parts}"
        return f"{self.inside.text()} of rows {which}"

    @classmethod
    def parse(cls, text: str) -> Share:
        """The share that `text()` wrote.

        Raises:
            InputError: another text.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise InputError(f"layout '{text}' is not understood; write NCHW of rows 1/2")
        inside, part, sign, parts = found.groups()
        kind = Arrangement if "->" in inside else Layout
        turns = sign == "::"
        return cls(kind.parse(inside), int(part) - (not turns), int(parts), turns)

    @property
    def _numbers(self) -> range:
        return range(self.parts)

    def _own(self, t: Array) -> Array:
        if self.turns:
            before = [slice(None)] * self.axis
            return t[(*before, slice(self.part, None, self.parts))]
        own: Array = np.split(t, self.parts, axis=self.axis)[self.part]
        return own


def _alternating(each: Sequence[Array], axis: int) -> Array:
    """A row of the first, one of the second, ..., then the next of the first."""
    stacked = np.stack(each, axis + 1)
    return stacked.reshape(*stacked.shape[:axis], -1, *stacked.shape[axis + 2 :])


_TEXT = re.compile(r"(.*?) of rows (\d+)(/|::)(\d+)")
