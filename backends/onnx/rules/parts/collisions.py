"""Writing at indices where several numbers meet in one cell: multiplied, or the largest or smallest
of all. As in torch, ties share evenly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..registry import Cotangent
from .extents import Extent, extent, product, reshape, vector
from .put_back import add_at, linear_indices

REDUCTIONS = ("mul", "max", "min")


def met_elements(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """ScatterElements."""
    x, indices, u = node.inputs
    pull = _times if node.attrs["reduction"] == "mul" else _extremum
    of_x, of_u = pull(op, x, indices, u, node.outputs[0], gy, node.attrs["axis"] % len(x.shape))
    return lambda: op.typed(of_x(), x.shape), None, lambda: op.typed(of_u(), u.shape)


def met_slices(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """ScatterND: the same with the indexed axes made one, and all others."""
    x, indices, u = node.inputs
    depth = indices.shape[-1]
    sizes = [extent(op, x, i) for i in range(len(x.shape))]
    cells, rest = product(op, sizes[:depth]), product(op, sizes[depth:])
    linear = linear_indices(op, indices, sizes[:depth], 0)

    def flat(t: Tensor, rows: Extent) -> Tensor:
        return reshape(op, t, [rows, rest])

    count = product(op, [extent(op, indices, i) for i in range(len(indices.shape) - 1)])
    everywhere = op.Expand(op.Unsqueeze(linear, [1]), vector(op, [count, rest]))
    pull = _times if node.attrs["reduction"] == "mul" else _extremum
    of_x, of_u = pull(
        op,
        flat(x, cells),
        everywhere,
        flat(u, count),
        flat(node.outputs[0], cells),
        flat(gy, cells),
        0,
    )
    return lambda: op.reshape_like(of_x(), x), None, lambda: op.reshape_like(of_u(), u)


Pulled = tuple[Callable[[], "Tensor"], Callable[[], "Tensor"]]


def _times(
    op: Op, x: Tensor, indices: Tensor, u: Tensor, y: Tensor, gy: Tensor, axis: int
) -> Pulled:
    """The product of all others: divided by u, or of what is not 0 where u alone in its cell is."""

    def of_x() -> Tensor:
        ones = op.Expand(np.ones((1,) * len(x.shape), x.dtype), op.Shape(x))
        return op.Mul(gy, op.ScatterElements(ones, indices, u, axis=axis, reduction="mul"))

    def of_u() -> Tensor:
        zero = op.Equal(u, 0.0)
        is_zero, filled = op.Cast(zero, to=u.dtype), op.Where(zero, 1.0, u)
        whole = op.ScatterElements(x, indices, filled, axis=axis, reduction="mul")
        zeros = _added(op, x, indices, is_zero, axis)
        alone = op.Less(op.Sub(op.GatherElements(zeros, indices, axis=axis), is_zero), 0.5)
        share = op.Div(op.GatherElements(op.Mul(gy, whole), indices, axis=axis), filled)
        return op.Mul(share, op.Cast(alone, to=u.dtype))

    return of_x, of_u


def _extremum(
    op: Op, x: Tensor, indices: Tensor, u: Tensor, y: Tensor, gy: Tensor, axis: int
) -> Pulled:
    """All to whoever equals the result, in even parts."""
    kept = op.Cast(op.Equal(x, y), to=x.dtype)
    won = op.Cast(op.Equal(u, op.GatherElements(y, indices, axis=axis)), to=x.dtype)
    share = op.Div(gy, op.Add(kept, _added(op, x, indices, won, axis)))
    return (
        lambda: op.Mul(share, kept),
        lambda: op.Mul(op.GatherElements(share, indices, axis=axis), won),
    )


def _added(op: Op, x: Tensor, indices: Tensor, u: Tensor, axis: int) -> Tensor:
    sizes = [extent(op, x, i) for i in range(len(x.shape))]
    return op.typed(add_at(op, sizes, indices, u, axis), x.shape)
