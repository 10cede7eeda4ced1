"""Between which numbers a tensor lies whatever the model is fed: what cannot saturate has no mask.

A mean of maps that are not negative is not negative: its quantiser does not cut it off at zero,
though its integers often are zero.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from ...reading.graph import Node, Tensor
from ...reading.kinds import MOVES
from ...writing.op import Op

Interval = tuple[float, float]
ANY: Interval = (-math.inf, math.inf)
WITHIN = MOVES | {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax", "ReduceMin"}
"""Operators whose result lies where their input does."""
UNIT = {"Sigmoid", "Softmax", "HardSigmoid"}
FARTHEST = 12
"""How many operators are looked back."""


def interval(op: Op, x: Tensor, depth: int = FARTHEST) -> Interval:
    """(lowest, highest) of what x can be."""
    value = op.value(x)
    if value is not None and value.size:
        return float(np.min(value)), float(np.max(value))
    if np.dtype(x.dtype).kind in "iu" and np.dtype(x.dtype).itemsize < 4:
        return limits(x.dtype)
    node = op.graph.producer.get(x.name) or op.made.get(x.name)
    if node is None or depth == 0:
        return ANY
    if node.op in UNIT:
        return 0.0, 1.0
    if node.op == "DequantizeLinear":
        return _dequantised(op, node)
    first = interval(op, node.inputs[0], depth - 1)
    if node.op in WITHIN or node.op == "Cast":
        return first
    if node.op == "AveragePool":  # its padding may count as zeros
        return min(first[0], 0.0), max(first[1], 0.0)
    if node.op == "Relu":
        return max(first[0], 0.0), max(first[1], 0.0)
    if node.op in ("Add", "Sub", "Mul"):
        return _combined(node.op, first, interval(op, node.inputs[1], depth - 1))
    return ANY


def limits(kind: Any) -> Interval:
    """The ends of a type that is quantised to.

    Raises:
        TypeError, ValueError: it is none.
    """
    narrow = np.dtype(kind).name.startswith("float8")
    ends: Any = (ml_dtypes.finfo if narrow else ml_dtypes.iinfo)(kind)
    return float(ends.min), float(ends.max)


def _dequantised(op: Op, node: Node) -> Interval:
    q, scale, *rest = node.inputs
    zero = interval(op, rest[0]) if rest and rest[0].name else (0.0, 0.0)
    return _combined("Mul", _combined("Sub", limits(q.dtype), zero), interval(op, scale))


def _combined(op_type: str, a: Interval, b: Interval) -> Interval:
    if not all(map(math.isfinite, (*a, *b))):
        return ANY
    if op_type == "Add":
        return a[0] + b[0], a[1] + b[1]
    if op_type == "Sub":
        return a[0] - b[1], a[1] - b[0]
    products = [i * j for i in a for j in b]
    return min(products), max(products)
