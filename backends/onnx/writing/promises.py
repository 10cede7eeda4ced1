"""What is known of tensors that were made, so that what costs nothing need not be written.

Six promises: a tensor is another one broadcast (an Expand), its rows are unit vectors, it is
another one padded with zeros, nothing but zeros, its numbers are another one's, put elsewhere, or
it is one of another type, converted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import onnx_graphsurgeon as gs

from ..reading.graph import Tensor


class Padded(NamedTuple):
    """A tensor that is `core` with zeros before and after it on one axis."""

    core: Tensor
    axis: int
    before: int
    after: int

    @property
    def extent(self) -> int:
        return self.before + int(self.core.shape[self.axis]) + self.after

    @property
    def sparse(self) -> bool:
        """Is at most half of it there? Else cutting costs more than it saves."""
        return 2 * int(self.core.shape[self.axis]) <= self.extent

    def of(self, core: Tensor, axis: int) -> Padded:
        """The same rows of another tensor."""
        return Padded(core, axis, self.before, self.after)

    def beside(self, other: Padded) -> bool:
        """Does the other hold the same rows, counted from the last axis?"""
        mine, theirs = (p.axis - len(p.core.shape) for p in (self, other))
        same = mine == theirs and self.extent == other.extent
        return same and self.before == other.before and self.after == other.after


@dataclass
class Promises:
    """By the name of the tensor that they are about."""

    padded: dict[str, Padded] = field(default_factory=dict)
    joints: dict[str, Padded] = field(default_factory=dict)
    """Of what is padded on two axes, how it is on the other one."""
    zero: set[str] = field(default_factory=set)
    """Cotangents that are nothing but zeros: they are not pulled back."""
    rearranged: dict[str, Tensor] = field(default_factory=dict)
    """Cotangents [N, K, *S] of which each number is one of another, at some cell, or 0."""
    weight_means: dict[Any, gs.Constant] = field(default_factory=dict)
    """What is added to the file because the means of a weight are read instead of it."""
    narrow: dict[str, Tensor] = field(default_factory=dict)
    """The tensor of another type that one was made of: an int64 one of int32."""
    broadcast: dict[str, Tensor] = field(default_factory=dict)
    """What lies under an Expand."""
    one_hot: dict[str, tuple[Tensor, bool]] = field(default_factory=dict)
    """Rows that are 0 but for one place: where that is, and whether a 1 is there."""

    def beneath(self, g: Tensor) -> Tensor:
        """What g was broadcast from, of g's rank; g itself where it was not."""
        lying: Tensor = self.broadcast.get(g.name, g)
        return lying if len(lying.shape) == len(g.shape) else g

    def say_one_hot(self, hot: Tensor, index: Tensor) -> None:
        """Says that the rows of `hot` [N, C] are unit vectors, 1 at `index` [N]."""
        self.one_hot[hot.name] = index, True

    def one_hot_rows(self, rows: Tensor) -> bool:
        """Has every row but one number that is not 0? Then a product reads one row of a weight."""
        return rows.name in self.one_hot

    def keep_rows(self, op_type: str, inputs: Sequence[Tensor], made: Tensor) -> None:
        """What multiplies rows that are 0 but for one place leaves them so."""
        count = {"Mul": 2, "Div": 1, "Cast": 1, "Neg": 1}.get(op_type, 0)
        for hot in (t for t in inputs[:count] if t.name in self.one_hot):
            if tuple(made.shape or ()) == tuple(hot.shape):
                self.one_hot[made.name] = self.one_hot[hot.name][0], False
