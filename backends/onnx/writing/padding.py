"""Tensors known to be others with zeros before and after them on one axis."""

from __future__ import annotations

from collections.abc import Sequence

from ..reading.graph import Tensor
from .op import Op
from .promises import Padded


def around(op: Op, result: Padded) -> Tensor:
    """The tensor with its zeros: dead code if nobody reads it."""
    rank, axis = len(result.core.shape), result.axis
    pads = [0] * (2 * rank)
    pads[axis], pads[rank + axis] = result.before, result.after
    shape = (*result.core.shape[:axis], result.extent, *result.core.shape[axis + 1 :])
    made = op.typed(op.plain("Pad", result.core, pads), shape)
    op.promises.padded[made.name] = result
    return made


def remember(op: Op, core: Tensor, made: Tensor, pads: Sequence[int]) -> None:
    """That `made` is `core` with zeros around it, if it is so on one axis."""
    found = single(core, pads)
    if found is not None:
        op.promises.padded.setdefault(made.name, found)


def single(core: Tensor, pads: Sequence[int]) -> Padded | None:
    """`core` with so many zeros before all axes and behind them, if that is on one axis."""
    rank = len(pads) // 2
    axes = [i for i in range(rank) if pads[i] or pads[rank + i]]
    if len(axes) != 1 or not isinstance(core.shape[axes[0]], int):
        return None
    return Padded(core, axes[0], pads[axes[0]], pads[rank + axes[0]])
