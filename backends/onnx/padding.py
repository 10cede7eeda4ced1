"""Tensors known to be others with zeros before and after them on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .prepare import Tensor

if TYPE_CHECKING:
    from .emit import Emitter


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


def around(op: Emitter, result: Padded) -> Tensor:
    """The tensor with its zeros: dead code if nobody reads it."""
    rank, axis = len(result.core.shape), result.axis
    pads = [0] * (2 * rank)
    pads[axis], pads[rank + axis] = result.before, result.after
    shape = (*result.core.shape[:axis], result.extent, *result.core.shape[axis + 1 :])
    made = op.typed(op.plain("Pad", result.core, pads), shape)
    op.shortcuts.padded[made.name] = result
    return made


def remember(op: Emitter, core: Tensor, made: Tensor, pads: Sequence[int]) -> None:
    """That `made` is `core` with zeros around it, if it is so on one axis."""
    found = single(core, pads)
    if found is not None:
        op.shortcuts.padded.setdefault(made.name, found)


def single(core: Tensor, pads: Sequence[int]) -> Padded | None:
    """`core` with so many zeros before all axes and behind them, if that is on one axis."""
    rank = len(pads) // 2
    axes = [i for i in range(rank) if pads[i] or pads[rank + i]]
    if len(axes) != 1 or not isinstance(core.shape[axes[0]], int):
        return None
    return Padded(core, axes[0], pads[axes[0]], pads[rank + axes[0]])
