"""Quantised tensors as the numbers they stand for: (q - zero) scale.

An integer operator computes what a float one computes, in units that its own inputs tell. A layer
that it makes is explained in real units: A is dequantised, G is per real unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .prepare import Graph, Node, Tensor, floating

if TYPE_CHECKING:
    from .emit import Emitter

Array = np.ndarray[Any, Any]

_SAME = ("Add", "AveragePool", "GlobalAveragePool", "LeakyRelu", "Mul", "ReduceMean", "Where")
COMPUTES = {
    **{f"QLinear{name}": name for name in (*_SAME, "Conv", "MatMul", "Sigmoid", "Softmax")},
    **dict.fromkeys(("MatMulInteger", "MatMulIntegerToFloat"), "MatMul"),
    **dict.fromkeys(("DynamicQuantizeMatMul", "MatMulNBits"), "MatMul"),
    **{"ConvInteger": "Conv", "QGemm": "Gemm", "NhwcMaxPool": "MaxPool"},
}
"""Integer operator -> the float one it computes."""
SCALE = {
    "QuantizeLinear": 1,
    "QLinearConcat": 0,
    **dict.fromkeys(("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax"), 3),
    **dict.fromkeys(("QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearReduceMean"), 3),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearMul"), 6),
    **dict.fromkeys(("QLinearWhere", "QGemm"), 7),
}
"""Operators that quantise -> which input is their result's scale; its zero point is the next."""
MOVES = {
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather"),
    *("MaxPool", "NhwcMaxPool", "DepthToSpace", "SpaceToDepth", "Pad", "Expand", "Tile"),
    *("Split", "Resize"),
}
"""Operators on integers whose result has the units of their first input."""


def computes(node: Node) -> str:
    """The operator, or the float one that an integer operator stands for."""
    return COMPUTES.get(node.op, str(node.op))


def channels_last(node: Node) -> bool:
    """Has the runtime laid this operator's maps out channels last?"""
    return bool(node.attrs.get("channels_last", node.op.startswith("Nhwc")))


def real(
    op: Emitter, q: Tensor, scale: Tensor, zero: Tensor | None = None, axis: int | None = None
) -> Tensor:
    """(q - zero) scale; both are one for all, one an index of `axis`, or broadcast as they are.

    In arithmetic: a runtime folds it where q is a weight, and leaves DequantizeLinear to each run.
    """
    return op.Mul(above(op, q, zero, axis, scale.dtype), spread(op, scale, axis, len(q.shape)))


def above(
    op: Emitter, q: Tensor, zero: Tensor | None, axis: int | None = None, kind: Any = np.float32
) -> Tensor:
    """q - zero in floating point."""
    value = op.Cast(q, to=kind)
    known = op.value(zero)
    if zero is None or (known is not None and not np.any(known)):
        return value
    return op.Sub(value, spread(op, op.Cast(zero, to=kind), axis, len(q.shape)))


def spread(op: Emitter, v: Tensor, axis: int | None, rank: int) -> Tensor:
    """A vector laid along `axis` of a tensor of this rank; anything else as it is."""
    if axis is None or len(v.shape) != 1 or v.shape == (1,) or axis % rank == rank - 1:
        return v
    return op.Reshape(v, [-1 if i == axis % rank else 1 for i in range(rank)])


@dataclass(frozen=True)
class Units:
    """What the integers of one tensor stand for; both arrays broadcast against it."""

    scale: Array
    zero: Array

    def real(self, q: Array) -> Array:
        """The numbers that q stands for."""
        found: Array = (q.astype(self.scale.dtype) - self.zero) * self.scale
        return found

    def quantised(self, x: Array, kind: Any) -> Array:
        """The integers of `kind` nearest to x."""
        limits = np.iinfo(kind)
        steps = np.rint(x / self.scale) + self.zero
        whole: Array = np.clip(steps, limits.min, limits.max).astype(kind)
        return whole


def units_of(graph: Graph, tensor: Tensor) -> Units | None:
    """The units of an integer tensor, from the operator that quantised it or one that dequantises
    it; None of any other tensor, and where they are not constant.
    """
    if floating(tensor) or tensor.shape is None:
        return None
    source, node = tensor, graph.producer.get(tensor.name)
    while node is not None and node.op in MOVES:
        source = node.inputs[0]
        node = graph.producer.get(source.name)
    if node is not None and node.op in SCALE:
        return _read(graph, node, SCALE[node.op], tensor, moved=source is not tensor)
    readers = graph.consumers.get(tensor.name, [])
    reader = next((n for n in readers if n.op == "DequantizeLinear"), None)
    return None if reader is None else _read(graph, reader, 1, tensor)


def _read(
    graph: Graph, node: Node, position: int, tensor: Tensor, *, moved: bool = False
) -> Units | None:
    """Scale and zero point from a node's inputs."""
    scale = graph.value(node.inputs[position])
    given = node.inputs[position + 1] if position + 1 < len(node.inputs) else None
    absent = given is None or not given.name
    zero = np.zeros((), np.int8) if absent else graph.value(given)
    if scale is None or zero is None or scale.ndim > 1 or (moved and scale.size > 1):
        return None
    shape: list[int] = []
    if scale.size > 1:
        axis = node.attrs.get("axis", 1) % len(tensor.shape)
        shape = [-1 if i == axis else 1 for i in range(len(tensor.shape))]
    zero = zero.astype(scale.dtype)
    return Units(scale.reshape(shape), zero.reshape(shape if zero.size > 1 else []))
