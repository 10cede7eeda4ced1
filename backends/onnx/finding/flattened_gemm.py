"""Linear layers over tokens as onnxruntime writes them where all shapes are static.

Its basic level makes a MatMul and an Add into Reshape, Gemm, Reshape: the tokens lie under one
another meanwhile. Whoever looks for layers sees the MatMul and the Add again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import onnx_graphsurgeon as gs

from ..reading.graph import Graph, Node, Tensor
from ..reading.kinds import FUSED_AFTER_GEMM


def in_rows(graph: Graph) -> Graph:
    """The graph with each such Gemm as the product that it was, to find layers in.

    What is made between product and result has no entry in `tensors`: the file does not hold it.
    """
    found = {id(chain[-1]): chain for node in graph.nodes for chain in _chains(graph, node)}
    if not found:
        return graph
    gone = {id(node) for chain in found.values() for node in chain[1:]}
    nodes: list[Node] = []
    for node in graph.nodes:
        if id(node) in found:
            nodes += _product(found[id(node)])
        elif id(node) not in gone:
            nodes.append(node)
    return replace(graph, nodes=nodes)


def _chains(graph: Graph, first: Node) -> Iterator[list[Node]]:
    """Reshape, Gemm, what is pointwise, Reshape; the first may be read by several."""
    if first.op != "Reshape" or not _flattens(first):
        return
    for gemm in graph.consumers.get(first.outputs[0].name, []):
        if gemm.op != "Gemm" or gemm.attrs.get("transA") or gemm.inputs[0] is not first.outputs[0]:
            continue
        chain = [first, gemm]
        while (follower := _only_reader(graph, chain[-1].outputs[0])) is not None:
            chain.append(follower)
            if follower.op not in FUSED_AFTER_GEMM:
                break
        x, y = first.inputs[0], chain[-1].outputs[0]
        if chain[-1].op == "Reshape" and y.shape is not None and y.shape[:-1] == x.shape[:-1]:
            yield chain


def _flattens(node: Node) -> bool:
    """[..., C] to [rows, C]?"""
    x, y = node.inputs[0].shape, node.outputs[0].shape
    return x is not None and y is not None and len(x) > 2 == len(y) and x[-1] == y[-1]


def _only_reader(graph: Graph, tensor: Tensor) -> Node | None:
    readers = graph.consumers.get(tensor.name, [])
    return readers[0] if len(readers) == 1 and tensor.name not in graph.output_names else None


def _product(chain: list[Node]) -> Iterator[Node]:
    """MatMul, Add and the pointwise operators over the unflattened input."""
    (first, gemm, *between), last = chain[:-1], chain[-1]
    y = last.outputs[0]
    steps = [("MatMul", [first.inputs[0], gemm.inputs[1]])]
    steps += [("Add", [bias]) for bias in gemm.inputs[2:] if bias.name]
    steps += [(node.op, []) for node in between]
    made: list[Tensor] = []
    for i, (operator, others) in enumerate(steps):
        out = y if i == len(steps) - 1 else gs.Variable(f"{y.name}/rows_{i}", y.dtype, y.shape)
        yield gs.Node(operator, out.name, {}, [*made, *others], [out], "")
        made = [out]
