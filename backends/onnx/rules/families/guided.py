"""Guided backpropagation (Springenberg et al. 2015): through a rectifier only what is positive.

It is defined for y = max(x, 0) alone: R_x = [x > 0] ReLU(R_y). A rectifier with a ceiling (relu6)
is one too, and so is every spelling of either; what lets something of x < 0 through (LeakyRelu,
Elu, Gelu, SiLU) is none, and keeps its own derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...reading.graph import Graph, Node, Tensor
from ...reading.kinds import MIXERS, MOVES
from ...writing.op import Op
from ..parts.ranges import limits
from ..registry import GUIDED, VJP_RULES, Cotangent, key_of, optional, vjp
from .quantisation import cuts

MICROSOFT = "com.microsoft"


SUMS = MIXERS | {"Add", "Sum", "BatchNormalization"}
"""What a rectifier follows."""


def _zero(graph: Graph, tensor: Tensor | None) -> bool:
    """Is it a constant of zeros?"""
    value = graph.value(tensor)
    return value is not None and value.dtype.kind in "fiu" and not value.any()


def _clips_at_zero(graph: Graph, node: Node) -> bool:
    return _zero(graph, optional(node, 1))


def _max_with_zero(graph: Graph, node: Node) -> bool:
    return len(node.inputs) == 2 and sum(_zero(graph, x) for x in node.inputs) == 1


def _slope_of_zero(graph: Graph, node: Node) -> bool:
    return node.attrs["alpha"] == 0 if "alpha" in node.attrs else _zero(graph, node.inputs[1])


def _where_positive(graph: Graph, node: Node) -> bool:
    """Where(x > 0, x, 0) and Where(x < 0, 0, x)."""
    condition, a, b = node.inputs
    if _zero(graph, b):
        return _compares(graph, condition, a, "Greater", "Less")
    return _zero(graph, a) and _compares(graph, condition, b, "Less", "Greater")


def _times_mask(graph: Graph, node: Node) -> bool:
    """x Cast(x > 0)."""
    for x, mask in (node.inputs, node.inputs[::-1]):
        cast = graph.producer.get(mask.name)
        if cast is not None and cast.op == "Cast":
            return _compares(graph, cast.inputs[0], x, "Greater", "Less")
    return False


def _compares(graph: Graph, condition: Tensor, x: Tensor, op: str, mirrored: str) -> bool:
    """Is the condition `x op 0`, or `0 mirrored x`? With a bound that counts as either."""
    node = graph.producer.get(condition.name)
    if node is None:
        return False
    name = node.op.removesuffix("OrEqual")
    at, bound = node.inputs if name == op else node.inputs[::-1]
    return name in (op, mirrored) and at.name == x.name and _zero(graph, bound)


RECTIFIES: dict[str, Callable[[Graph, Node], bool]] = {
    "Relu": lambda graph, node: True,
    "Clip": _clips_at_zero,
    "Max": _max_with_zero,
    "Where": _where_positive,
    "Mul": _times_mask,
    "LeakyRelu": _slope_of_zero,
    "PRelu": _slope_of_zero,
    "ThresholdedRelu": _slope_of_zero,
}
"""Operator -> is this node of it a rectifier?"""


def rectifies(graph: Graph, node: Node) -> bool:
    """Is a node of ai.onnx a rectifier, in whatever spelling?"""
    domain, op = key_of(node)
    return domain == "" and op in RECTIFIES and RECTIFIES[op](graph, node)


def _guided(op: Op, node: Node, gy: Tensor) -> Cotangent:
    passed = op.Relu(gy) if rectifies(op.graph, node) else gy
    return VJP_RULES[key_of(node)].function(op, node, passed)


for _name in RECTIFIES:
    vjp(_name, table=GUIDED)(_guided)


@vjp("QuantizeLinear", quantises=True, table=GUIDED)
@vjp("QuantizeLinear", domain=MICROSOFT, quantises=True, table=GUIDED)
def guided_quantiser(op: Op, node: Node, gy: Tensor) -> Any:
    """A range that begins at 0 is what remains of a rectifier after a product or a sum.

    Where that cannot lie below 0 there was none.
    """
    passed = op.Relu(gy) if _begins_at_zero(op, node) else gy
    return VJP_RULES[key_of(node)].function(op, node, passed)


def _maker(op: Op, tensor: Tensor) -> Node | None:
    """Of the model, or of what one of its integer operators stands for."""
    return op.graph.producer.get(tensor.name) or op.made.get(tensor.name)


def _begins_at_zero(op: Op, node: Node) -> bool:
    source = node.inputs[0]
    while (maker := _maker(op, source)) is not None and maker.op in MOVES:
        source = maker.inputs[0]
    if maker is None or maker.op not in SUMS:
        return False
    zero, kind = op.value(optional(node, 2)), node.outputs[0].dtype
    try:
        lowest, _ = limits(kind)
    except (TypeError, ValueError):
        return False  # which the rule refuses
    begins = zero is None and optional(node, 2) is None and lowest == 0
    begins = begins or (zero is not None and bool(np.all(zero == lowest)))
    return begins and cuts(op, node)[0]
