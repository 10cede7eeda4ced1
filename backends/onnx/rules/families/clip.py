"""Clip: strict at its bounds, where torch's relu6 and hardtanh have no slope either."""

from __future__ import annotations

import functools

import numpy as np

from ...reading.graph import Node, Tensor
from ...reading.units import read_only_by, units_of
from ...writing.op import Op
from ..parts.masks import above, below
from ..registry import Cotangent, optional, vjp


@vjp("Clip")
def clip(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Strict, read from the output: y is above its lower bound exactly where x is.

    What x does not get goes to the bound that holds; the upper one where they cross.
    """
    return lambda: _clipped(op, node, gy), lambda: _low(op, node, gy), lambda: _high(op, node, gy)


def _low(op: Op, node: Node, gy: Tensor) -> Tensor:
    low, high = node.inputs[1], optional(node, 2)
    held = op.Not(op.Greater(node.outputs[0], low))
    if high is not None:
        held = op.And(held, op.Less(low, high))
    return op.Where(held, gy, 0.0)


def _high(op: Op, node: Node, gy: Tensor) -> Tensor:
    return op.Where(op.Less(node.outputs[0], node.inputs[2]), 0.0, gy)


def _clipped(op: Op, node: Node, gy: Tensor) -> Tensor:
    y = node.outputs[0]
    if _implied(op, node):
        return gy
    # an old Clip's bounds are float32 attributes, which a float16 output may miss by a rounding
    read = node.inputs[0] if y.dtype == np.float16 and op.opset < 11 else y
    masks = [
        beyond(op, read, bound)
        for beyond, bound, side in ((above, optional(node, 1), -1), (below, optional(node, 2), 1))
        if bound is not None and not _unbounded(op, bound, side)
    ]
    return functools.reduce(op.Mul, masks, gy)


def _implied(op: Op, node: Node) -> bool:
    """Does a quantiser that alone reads the result cut off all that the bounds do?"""
    q = read_only_by(op.graph, node.outputs[0], "QuantizeLinear")
    units = None if q is None else units_of(op.graph, q)
    if q is None or units is None:
        return False
    low, high = units.ends(q.dtype)
    given = [optional(node, 1), optional(node, 2)]
    least, most = (op.value(bound) for bound in given)
    below = given[0] is None or (least is not None and np.all(least <= low))
    above = given[1] is None or (most is not None and np.all(most >= high))
    return bool(below and above)


def _unbounded(op: Op, bound: Tensor, side: int) -> bool:
    """Is it the end of the type's range, which old exporters write for no bound?"""
    value = op.value(bound)
    if value is None or value.dtype.kind != "f":
        return False
    return bool(side * value.item() >= np.finfo(value.dtype).max)
