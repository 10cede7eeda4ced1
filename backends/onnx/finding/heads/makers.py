"""What makes an output's logits: a linear layer, a normalisation, a mean over places."""

from __future__ import annotations

from ...reading.graph import Graph, Node, Tensor
from ...reading.kinds import MIXERS, NORMS, QUANTISERS, VIEWS
from ...reading.units import computes

POOLED = {"GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "ReduceMean", "ReduceMax"}
RESIZING = {"Resize", "Upsample", "DepthToSpace"}
SCALING = NORMS | {"LpNormalization"}
LENGTHS = {"ReduceL2", "ReduceSumSquare", "Sqrt"}
DEPTH = 6
"""Nodes between a vector and its length: squares, a sum, a root, a bound, an Expand."""


def last_step(graph: Graph, tensor: Tensor) -> str:
    """`linear`, `normalised`, `pooled`, or the operator that makes a tensor, views left out."""
    node = _maker(graph, tensor)
    if node is None:
        return ""
    what = computes(node)
    if what in RESIZING:
        return last_step(graph, node.inputs[0])
    if what in MIXERS or (what == "Add" and _biased(graph, node)):
        return "linear"
    if what in SCALING or (what == "Div" and _by_length(graph, node)):
        return "normalised"
    return "pooled" if what in POOLED else what


def _maker(graph: Graph, tensor: Tensor) -> Node | None:
    node = graph.producer.get(tensor.name)
    while node is not None and computes(node) in VIEWS | QUANTISERS:
        node = graph.producer.get(node.inputs[0].name)
    return node


def _biased(graph: Graph, node: Node) -> bool:
    """Is a weight added to a product?"""
    weights = [t.name for t in node.inputs if t.name in graph.weights or t.name in graph.values]
    products = [_maker(graph, t) for t in node.inputs if t.name not in weights]
    made = bool(weights) and len(products) == 1 and products[0] is not None
    return made and computes(products[0]) in MIXERS


def _by_length(graph: Graph, node: Node) -> bool:
    """Is a vector divided by its own length?"""
    tensor = node.inputs[1]
    for _ in range(DEPTH):
        maker = graph.producer.get(tensor.name)
        if maker is None or not maker.inputs:
            return False
        if maker.op in LENGTHS:
            return True
        tensor = maker.inputs[0]
    return False
