"""Summary tokens: does the head read one token only, so that the patches after it count nothing?"""

from __future__ import annotations

from .prepare import Node, Tensor
from .route import Route
from .rules import ZERO, key_of

NORMS = {
    *("LayerNormalization", "BatchNormalization", "RMSNormalization", "GroupNormalization"),
    *("InstanceNormalization", "Standardise"),
}
TOKENWISE = NORMS | {
    *("Add", "Sub", "Mul", "Div", "Gelu", "SiLU", "Relu", "Sigmoid", "Tanh", "Identity", "Clip"),
    *("Dropout", "Cast", "MatMul", "Gemm", "HardSwish", "Erf", "Pow", "Sqrt", "QuickGelu"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Operators that treat each token by itself (a product of two maps apart)."""


def only_summary(route: Route, tensor: Tensor) -> bool:
    """Does everything after `tensor` go token by token until one token is taken?"""
    layout = route.maps.layout(tensor)
    if layout is None or layout.axes != "NTC":
        return False
    waiting, selected = [tensor.name], False
    seen = set(waiting)
    while waiting:
        for node in route.graph.consumers.get(waiting.pop(), []):
            if key_of(node) in ZERO or not any(t.name in route.path for t in node.outputs):
                continue
            if _selects_token(route, node):
                selected = True
                continue
            if not _tokenwise(route, node):
                return False
            following = [t.name for t in node.outputs if t.name not in seen]
            seen.update(following)
            waiting.extend(following)
    return selected


def first_norm(route: Route, tensor: Tensor) -> Tensor:
    """The normalisation that opens the last block, where the block reads `tensor`."""
    for node in route.graph.consumers.get(tensor.name, []):
        if node.op in NORMS:
            return node.outputs[0]
    return tensor


def _selects_token(route: Route, node: Node) -> bool:
    source = node.inputs[0]
    if source.shape is None or len(source.shape) != 3:
        return False
    if node.op == "Gather":
        index = route.graph.value(node.inputs[1])
        return node.attrs["axis"] == 1 and index is not None and index.size == 1
    if node.op == "Slice":
        made = node.outputs[0].shape
        return made is not None and len(made) == 3 and made[1] == 1 and source.shape[1] != 1
    return False


def _tokenwise(route: Route, node: Node) -> bool:
    flowing = [t for t in node.inputs if t.name in route.path]
    return node.op in TOKENWISE and not (node.op == "MatMul" and len(flowing) > 1)
