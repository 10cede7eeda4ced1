"""Reductions and running sums.

At kinks the derivative is torch's: the largest and smallest share ties evenly (amax), a norm at 0
has derivative 0, a product is exact where factors are 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import sign
from ...writing.op import Op
from ..registry import Cotangent, optional, unsupported, vjp


def axes_of(op: Op, node: Node) -> Any:
    """The reduced axes: a list, or the input itself where they are not constant."""
    if node.inputs[0].shape is None:
        raise unsupported(node, "the rank of its input is unknown")
    rank = len(node.inputs[0].shape)
    given = optional(node, 1)
    if given is None:
        found = np.array([], np.int64)
    elif (value := op.value(given)) is None:
        return given
    else:
        found = value
    if found.size or node.attrs.get("noop_with_empty_axes"):
        return [int(axis) % rank for axis in found]
    return list(range(rank))


def kept(op: Op, node: Node, reduced: Tensor) -> Tensor:
    """`reduced` (y or gy) with the reduced axes as extents of 1."""
    axes = axes_of(op, node)
    if node.attrs["keepdims"]:
        return reduced
    if isinstance(axes, list):
        return op.Unsqueeze(reduced, sorted(axes)) if axes else reduced
    x = node.inputs[0]
    shape = op.Shape(op.ReduceSum(x, axes, keepdims=1))
    return op.typed(op.Reshape(reduced, shape), (None,) * len(x.shape))


def over(op: Op, node: Node, reduction: str, x: Tensor) -> Tensor:
    """`reduction` of x over the node's axes, which are kept."""
    axes = axes_of(op, node)
    if isinstance(axes, list) and not axes:
        return x
    return op.emit(reduction, x, axes, keepdims=1)


@vjp("ReduceSum")
def reduce_sum(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.expand_like(kept(op, node, gy), node.inputs[0])


@vjp("ReduceMean")
def reduce_mean(op: Op, node: Node, gy: Tensor) -> Tensor:
    x = node.inputs[0]
    return op.expand_like(_divided(op, kept(op, node, gy), x, axes_of(op, node)), x)


def _divided(op: Op, g: Tensor, x: Tensor, axes: Any) -> Tensor:
    """g / (the product of x's extents along `axes`)."""
    sizes = [x.shape[axis] for axis in axes] if isinstance(axes, list) else [None]
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) == len(sizes):
        count = float(np.prod(known))
        # beyond float16's range only the reciprocal can be written
        return op.Div(g, count) if count < 6e4 else op.Mul(g, 1 / count)
    number = op.ReduceProd(op.Cast(op.Gather(op.Shape(x), axes), to=np.float32), keepdims=0)
    if g.dtype == np.float32:
        return op.Div(g, number)
    return op.Cast(op.Div(op.Cast(g, to=np.float32), number), to=g.dtype)


@vjp("ReduceMax", "ReduceMin")
def reduce_extremum(op: Op, node: Node, gy: Tensor) -> Tensor:
    x = node.inputs[0]
    wins = op.Cast(op.Equal(x, kept(op, node, node.outputs[0])), to=x.dtype)
    return op.Mul(op.Div(kept(op, node, gy), over(op, node, "ReduceSum", wins)), wins)


@vjp("ReduceL1")
def reduce_l1(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Mul(kept(op, node, gy), sign(op, node.inputs[0]))


@vjp("ReduceL2")
def reduce_l2(op: Op, node: Node, gy: Tensor) -> Tensor:
    """x / y, and 0 where the norm y is 0."""
    y = kept(op, node, node.outputs[0])
    return op.Mul(op.Div(kept(op, node, gy), op.Where(op.Equal(y, 0.0), 1.0, y)), node.inputs[0])


@vjp("ReduceSumSquare")
def reduce_sum_square(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Mul(op.Mul(kept(op, node, gy), 2.0), node.inputs[0])


@vjp("ReduceLogSum")
def reduce_log_sum(op: Op, node: Node, gy: Tensor) -> Tensor:
    """1 / the sum, which is exp(y)."""
    y = kept(op, node, node.outputs[0])
    return op.expand_like(op.Mul(kept(op, node, gy), op.Exp(op.Neg(y))), node.inputs[0])


@vjp("ReduceLogSumExp")
def reduce_log_sum_exp(op: Op, node: Node, gy: Tensor) -> Tensor:
    """The softmax, exp(x - y)."""
    y = kept(op, node, node.outputs[0])
    return op.Mul(kept(op, node, gy), op.Exp(op.Sub(node.inputs[0], y)))


@vjp("ReduceProd")
def reduce_prod(op: Op, node: Node, gy: Tensor) -> Tensor:
    """The product of the others: p / x where none of them is 0, p of what is not 0."""
    x = node.inputs[0]
    zero = op.Equal(x, 0.0)
    is_zero = op.Cast(zero, to=x.dtype)
    filled = op.Where(zero, 1.0, x)
    product = over(op, node, "ReduceProd", filled)
    others = op.Less(op.Sub(over(op, node, "ReduceSum", is_zero), is_zero), 0.5)
    alone = op.Div(op.Cast(others, to=x.dtype), filled)
    return op.Mul(op.Mul(kept(op, node, gy), product), alone)


@vjp("CumSum")
def cum_sum(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The running sum from the other end."""
    exclusive, reverse = node.attrs["exclusive"], node.attrs["reverse"]
    return op.CumSum(gy, node.inputs[1], exclusive=exclusive, reverse=1 - reverse), None
