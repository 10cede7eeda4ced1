"""What makes an output's logits: a linear layer, a normalisation, a mean over places."""

from __future__ import annotations

from ...reading.graph import Graph, Node, Tensor
from ...reading.kinds import MIXERS, NORMS, QUANTISERS, VIEWS
from ...reading.units import computes

POOLED = {"GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "ReduceMax"}
RESIZING = {"Resize", "Upsample", "DepthToSpace"}
SCALING = NORMS | {"LpNormalization"}
LENGTHS = {"ReduceL2", "ReduceSumSquare", "Sqrt"}
MULTIPLES = {"Mul", "Div"}
SUMS = {"Add", "Sub", "Sum", "Mean"}
STACKED = {"ReduceMean", "ReduceSum"}
DEPTH = 6
"""Nodes between a vector and its length: squares, a sum, a root, a bound, an Expand."""


def last_step(graph: Graph, tensor: Tensor) -> str:
    """`linear`, `normalised`, `pooled`, or the operator that makes a tensor, views left out."""
    node = maker(graph, tensor)
    if node is None:
        return ""
    what = computes(node)
    if what in RESIZING:
        return last_step(graph, node.inputs[0])
    if (source := _multiple_of(graph, node)) is not None:
        return last_step(graph, source)
    if what in MIXERS or (what == "Add" and _biased(graph, node)) or _of_heads(graph, node):
        return "linear"
    if what in SCALING or (what == "Div" and _by_length(graph, node)):
        return "normalised"
    return "pooled" if what in POOLED else what


def maker(graph: Graph, tensor: Tensor) -> Node | None:
    """What makes a tensor, views left out."""
    node = graph.producer.get(tensor.name)
    while node is not None and computes(node) in VIEWS | QUANTISERS:
        node = graph.producer.get(node.inputs[0].name)
    return node


def _biased(graph: Graph, node: Node) -> bool:
    """Is a weight added to a product?"""
    weights = [t.name for t in node.inputs if t.name in graph.weights or t.name in graph.values]
    products = [maker(graph, t) for t in node.inputs if t.name not in weights]
    made = bool(weights) and len(products) == 1 and products[0] is not None
    return made and computes(products[0]) in MIXERS


def _varying(graph: Graph, node: Node) -> list[Tensor]:
    """What a node reads besides weights."""
    return [t for t in node.inputs if t.name not in graph.weights and t.name not in graph.values]


def _multiple_of(graph: Graph, node: Node) -> Tensor | None:
    """What is multiplied by constants: by a temperature, by the share of a head."""
    varying = _varying(graph, node)
    if computes(node) not in MULTIPLES or len(varying) != 1:
        return None
    return varying[0] if node.op == "Mul" or varying[0] is node.inputs[0] else None


def _of_heads(graph: Graph, node: Node) -> bool:
    """Are the logits of several heads added or averaged, a pool of those at places among them?

    Distilled models average two heads (DeiT, LeViT), CrossViT those of its branches.
    """
    heads = _varying(graph, node) if computes(node) in SUMS else _stacked(graph, node)
    steps = {last_step(graph, tensor) for tensor in heads}
    return len(heads) > 1 and "linear" in steps and steps <= {"linear", "pooled"}


def _stacked(graph: Graph, node: Node) -> list[Tensor]:
    """The vectors that were put beside each other, one a place, for a reduction over them."""
    stack = maker(graph, node.inputs[0]) if computes(node) in STACKED else None
    if stack is None or stack.op != "Concat" or stack.outputs[0].shape is None:
        return []
    beside = stack.outputs[0].shape[stack.attrs["axis"]]
    return list(stack.inputs) if beside == len(stack.inputs) else []


def _by_length(graph: Graph, node: Node) -> bool:
    """Is a vector divided by its own length?"""
    tensor = node.inputs[1]
    for _ in range(DEPTH):
        made = graph.producer.get(tensor.name)
        if made is None or not made.inputs:
            return False
        if made.op in LENGTHS:
            return True
        tensor = made.inputs[0]
    return False
