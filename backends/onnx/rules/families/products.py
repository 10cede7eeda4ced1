"""Products of many factors, exact where factors are zero."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import INFINITY, pad
from ..registry import Cotangent, unsupported, vjp

LARGEST = 32
"""Rows of a matrix up to which its derivative is made of the minors' determinants."""


@vjp("CumProd")
def cum_prod(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """gx_i = (x_0 .. x_(i-1)) G_i with G_i = gy_i + x_(i+1) G_(i+1), no division.

    The recurrence is solved in log2 n steps: two steps of it are one of the same form.
    """
    x, axis = node.inputs[0], op.value(node.inputs[1])
    if axis is None:
        raise unsupported(node, "the axis is known at run time only")
    along = int(axis.item()) % len(x.shape)
    size, back = x.shape[along], bool(node.attrs["reverse"])
    if not isinstance(size, int):
        raise unsupported(node, "the axis has a dynamic extent")

    def ahead(t: Tensor, steps: int) -> Tensor:
        """What lies `steps` further on, zero behind the end."""
        if back:
            return pad(op, op.Slice(t, [0], [-steps], [along]), {along: (steps, 0)}, like=x)
        return pad(op, op.Slice(t, [steps], [INFINITY], [along]), {along: (0, steps)}, like=x)

    g, factor = ahead(gy, 1) if node.attrs["exclusive"] else gy, ahead(x, 1)
    steps = 1
    while steps < size:
        g = op.Add(g, op.Mul(factor, ahead(g, steps)))
        factor = op.Mul(factor, ahead(factor, steps))
        steps *= 2
    before = op.CumProd(x, node.inputs[1], exclusive=1, reverse=int(back))
    return op.Mul(before, g), None


@vjp("Det")
def det(op: Op, node: Node, gy: Tensor) -> Tensor:
    """The cofactors: (-1)^(i+j) times the determinant without row i and column j."""
    x = node.inputs[0]
    rows, rank = x.shape[-1], len(x.shape)
    if not isinstance(rows, int) or rows > LARGEST:
        raise unsupported(node, f"its matrices have {rows} rows, more than {LARGEST}")
    g = op.Unsqueeze(gy, [rank - 2, rank - 1])
    if rows == 1:
        return g
    others = np.array([[j for j in range(rows) if j != i] for i in range(rows)])
    minors = op.Gather(op.Gather(x, others, axis=rank - 1), others, axis=rank - 2)
    lead = range(rank - 2)
    minors = op.Transpose(minors, perm=[*lead, rank - 2, rank, rank - 1, rank + 1])
    signs = (-1.0) ** np.add.outer(np.arange(rows), np.arange(rows))
    return op.Mul(g, op.Mul(op.Det(minors), signs.astype(x.dtype)))
