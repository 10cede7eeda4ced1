"""Quantised tensors as the numbers they stand for: (q - zero) scale.

An integer operator computes what a float one computes, in units that its own inputs tell. A layer
that it makes is explained in real units: A is dequantised, G is per real unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from .graph import Graph, Node, Tensor, floating
from .kinds import MOVES, QUANTISERS
from .names import PREFIX

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
STAIRCASES = {*SCALE, "DynamicQuantizeLinear", "DynamicQuantizeMatMul"}
"""Operators that round what depends on the layer: no finite difference tells their slope."""


def behind_quantisers(graph: Graph, node: Node) -> Node:
    """The maker of a map that is quantised and dequantised right after it is made."""
    while node.op in QUANTISERS and node.inputs[0].name in graph.producer:
        node = graph.producer[node.inputs[0].name]
    return node


def computes(node: Node) -> str:
    """The operator, or the float one that an integer operator stands for."""
    return COMPUTES.get(node.op, str(node.op))


def channels_last(node: Node) -> bool:
    """Has the runtime laid this operator's maps out channels last?"""
    return bool(node.attrs.get("channels_last", node.op.startswith("Nhwc")))


@dataclass(frozen=True)
class Units:
    """What the integers of one tensor stand for; both arrays broadcast against it."""

    scale: Array
    zero: Array

    def real(self, q: Array) -> Array:
        """The numbers that q stands for."""
        found: Array = (q.astype(self.scale.dtype) - self.zero) * self.scale
        return found

    def ends(self, kind: Any) -> tuple[Array, Array]:
        """What begins to be cut off, below and above."""
        limits = np.iinfo(kind)
        low, high = (self.real(np.array(end)) for end in (limits.min, limits.max))
        return low + 0.5 * self.scale, high - 0.5 * self.scale

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
    node, position, moved = _quantiser(graph, tensor)
    if node is None:
        return None
    scale = graph.value(node.inputs[position])
    given = [t for t in node.inputs[position + 1 : position + 2] if t.name]
    zero = graph.value(given[0]) if given else np.zeros((), np.int8)
    if scale is None or zero is None or scale.ndim > 1 or (moved and scale.size > 1):
        return None
    shape: list[int] = []
    if scale.size > 1:
        axis = node.attrs.get("axis", 1) % len(tensor.shape)
        shape = [-1 if i == axis else 1 for i in range(len(tensor.shape))]
    zero = zero.astype(scale.dtype)
    return Units(scale.reshape(shape), zero.reshape(shape if zero.size > 1 else []))


def _quantiser(graph: Graph, tensor: Tensor) -> tuple[Node | None, int, bool]:
    """(who knows the scale of an integer tensor, which input of it, was the tensor moved since)"""
    if floating(tensor) or tensor.shape is None:
        return None, 0, False
    source, node = tensor, graph.producer.get(tensor.name)
    while node is not None and node.op in MOVES:
        source = node.inputs[0]
        node = graph.producer.get(source.name)
    if node is not None and node.op in SCALE:
        return node, SCALE[node.op], source is not tensor
    readers = graph.consumers.get(tensor.name, [])
    return next((n for n in readers if n.op == "DequantizeLinear"), None), 1, False


def settled(graph: Graph, tensor: Tensor) -> Tensor:
    """What the model goes on with where a tensor is read by a quantiser only: the one dequantised
    copy of it, or the integers themselves. Reading the tensor would keep the runtime from fusing.
    """
    q = read_only_by(graph, tensor, "QuantizeLinear")
    if q is None or units_of(graph, q) is None:
        return tensor
    copy = read_only_by(graph, q, "DequantizeLinear")
    return q if copy is None else copy


def requantised(graph: Graph, tensor: Tensor) -> Tensor:
    """The same in floating point, for a rule that reads its operator's result."""
    q = read_only_by(graph, tensor, "QuantizeLinear")
    copies = [] if q is None else graph.consumers.get(q.name, [])
    found = next((n.outputs[0] for n in copies if n.op == "DequantizeLinear"), tensor)
    return found if found.dtype == tensor.dtype else tensor


def read_only_by(graph: Graph, tensor: Tensor, op_type: str) -> Tensor | None:
    """What the only reader of a tensor makes of it, if it is this operator."""
    readers = graph.consumers.get(tensor.name, [])
    if tensor.name in graph.output_names or len(readers) != 1 or readers[0].op != op_type:
        return None
    return readers[0].outputs[0]


def dequantised(graph: Graph, tensor: Tensor) -> Tensor:
    """Quantised logits in real units, by a node of which the model holds none (`Graph.extra`);
    any other tensor as it is.
    """
    maker, position, _ = _quantiser(graph, tensor)
    units = None if maker is None else units_of(graph, tensor)
    name = f"{PREFIX}{tensor.name}"
    if maker is None or units is None or units.scale.size > 1 or name in graph.tensors:
        return graph.tensors.get(name, tensor)
    found = gs.Variable(name, units.scale.dtype, tensor.shape)
    inputs = [tensor, *maker.inputs[position : position + 2]]
    node = gs.Node("DequantizeLinear", name, {"axis": 1}, inputs, [found], "")
    graph.tensors[name] = found
    graph.nodes.append(node)
    graph.extra.append(node)
    graph.link()
    return found
