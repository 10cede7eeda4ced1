"""Operators that stand for several others: differentiated through those, the node left as it is.

A body says what a node computes, in standard operators. Its last tensors are the node's own
outputs, so that a rule which reads a result reads the one that is there, and what nobody reads is
not computed again. Where ONNX has no schema of the operator, the body tells its outputs' types too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import NodeProto, TypeProto
from onnx_graphsurgeon.importers.onnx_importer import OnnxImporter

from ..reading.graph import Graph, Node, Tensor, floating
from ..reading.normalise import NEWEST
from ..reading.shapes import OUTSIDE
from ..writing.emit import Emitter
from ..writing.op import Op
from .registry import VJP_RULES, RefusedError, Rule, key_of, require_free, vjp

Body = Callable[[Op, Node], Any]


def body(*operators: str, domain: str = "", quantises: bool = False) -> Callable[[Body], Body]:
    """Registers `function(op, node)`, which emits what these operators of `domain` compute.

    It returns the node's outputs in order; a single one may stand alone, None is one that carries
    no derivative; an integer output may be given in floating point. Their types and shapes are
    taken from it where ONNX has no schema.
    """

    def register(function: Body) -> Body:
        for operator in operators:
            key = (domain, operator)
            require_free(key)
            VJP_RULES[key] = Rule(function, several=True, quantises=quantises, body=True)
            if not onnx.defs.has(operator, domain):
                OUTSIDE[key] = lambda node, types, values: _outputs(function, node, types, values)
        return function

    return register


def taped(op: Op, rule: Rule, node: Node) -> list[Node]:
    """The operators that `node` stands for, in order, between its own inputs and outputs."""
    with op.recorded() as tape:
        results = _several(rule.function(op, node))
        made = {t.name for step in tape for t in step.outputs}
        own: dict[str, Tensor] = {}
        for result, y in zip(results, node.outputs, strict=False):
            if result is None or not y.name:
                continue
            if floating(result) and y.dtype is not None and not floating(y):
                result = _straight(op, tape, result)
                made.add(result.name)
            if result.name not in made or result.name in own:  # handed through, or twice
                result = op.Identity(result)
            own[result.name] = y
    for step in tape:
        step.inputs = [own.get(t.name, t) for t in step.inputs]
        step.outputs = [own.get(t.name, t) for t in step.outputs]
    return tape


def unfolded(graph: Graph) -> Graph:
    """The graph with what operators unknown to ONNX stand for in their place, to find layers in.

    What is made inside one has no entry in `tensors`: the file does not hold it.
    """
    if not any(_opens(node) for node in graph.nodes):
        return graph
    op = Emitter(replace(graph, opset=NEWEST))
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes += _parts(op, VJP_RULES[key_of(node)], node) if _opens(node) else [node]
    return replace(graph, nodes=nodes)


def _opens(node: Node) -> bool:
    """Unknown to ONNX, and not one of integers, which are known by what they compute."""
    return key_of(node) in OUTSIDE and not VJP_RULES[key_of(node)].quantises


def _parts(op: Op, rule: Rule, node: Node) -> list[Node]:
    try:
        return taped(op, rule, node)
    except Exception:  # a form that is refused, or shapes that are unknown: seen from outside
        return [node]


def _straight(op: Op, tape: list[Node], value: Tensor) -> Tensor:
    """An integer tensor of this value; its cotangent is the value's."""
    whole = gs.Variable(op.name("whole"), np.dtype(np.int32), value.shape)
    tape.append(gs.Node("Straight", whole.name, {}, [value], [whole], domain="cam"))
    return whole


@vjp("Straight", domain="cam", quantises=True)
def straight(op: Op, node: Node, gy: Tensor) -> Tensor:
    """An integer result that was computed in floating point."""
    return gy


def _outputs(
    function: Body,
    proto: NodeProto,
    types: Mapping[str, TypeProto],
    values: Mapping[str, np.ndarray[Any, Any]],
) -> dict[str, TypeProto]:
    """The types of a node's outputs, where its inputs have these types and these values."""
    names = [*filter(None, proto.input)]
    tensors = {name: _variable(name, types[name]) for name in names}
    graph = Graph(NEWEST, [], tensors, [], [], dict(values), frozenset(), onnx.ModelProto())
    op = Emitter(graph)
    node = OnnxImporter.import_node(proto, dict(tensors), {}, NEWEST, None)
    try:
        results = _several(function(op, node))
    except RefusedError:  # said again, and aloud, where its derivative is asked for
        kind = TypeProto()
        kind.tensor_type.elem_type = types[names[0]].tensor_type.elem_type
        return dict.fromkeys(filter(None, proto.output), kind)
    pairs = zip(proto.output, results, strict=False)
    return {name: op.type_of(t) for name, t in pairs if name and t is not None}


def _variable(name: str, kind: TypeProto) -> gs.Variable:
    tensor = kind.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    return gs.Variable(name, dtype, tuple(shape) if tensor.HasField("shape") else None)


def _several(results: Any) -> list[Any]:
    return list(results) if isinstance(results, tuple | list) else [results]
