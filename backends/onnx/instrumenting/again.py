"""A part of the model written once more, of other numbers than it had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx_graphsurgeon.importers.onnx_importer import OnnxImporter

from cam_core.errors import InputError

from ..finding.analysis import Analysis
from ..reading.graph import Node, Tensor
from ..reading.prepare import in_order, names_read
from ..writing.op import Op


@dataclass(frozen=True)
class Again:
    """What was written, by the names that it has in the model."""

    result: Tensor
    nodes: list[Node]
    """In the form that rules read, to go back through."""


def again(op: Op, analysis: Analysis, start: Tensor, given: Tensor, end: Tensor) -> Again:
    """What lies between two tensors of the model, where the first is `given`.

    Raises:
        InputError: it has a body of its own, whose reads are not followed.
    """
    twins = {str(start.name): given}
    for node in _moved(analysis, str(start.name), str(end.name)):
        inputs = [twins.get(t.name, t) for t in node.inputs]
        outputs = [_twin(op, analysis, t, twins) for t in node.outputs]
        copy = gs.Node(node.op, op.name(node.op), dict(node.attrs), inputs, outputs, node.domain)
        op.nodes.append(copy)
        op.made.update((t.name, copy) for t in outputs if t.name)
    made = (n for n in analysis.graph.nodes if any(t.name in twins for t in n.outputs))
    back = [_renamed(n, twins) for n in made if start.name not in {t.name for t in n.outputs}]
    return Again(twins[str(end.name)], back)


def _renamed(node: Node, twins: dict[str, Tensor]) -> Node:
    inputs, outputs = ([twins.get(t.name, t) for t in ts] for ts in (node.inputs, node.outputs))
    return gs.Node(node.op, node.name, node.attrs, inputs, outputs, node.domain)


def _twin(op: Op, analysis: Analysis, tensor: Tensor, twins: dict[str, Tensor]) -> Tensor:
    """A tensor like one of the model's, under a name of its own."""
    if not tensor.name:
        return tensor
    known: Any = analysis.graph.tensors.get(tensor.name) or tensor
    twins[tensor.name] = gs.Variable(op.name("again"), known.dtype, known.shape)
    return twins[tensor.name]


def _moved(analysis: Analysis, start: str, end: str) -> list[Node]:
    """The file's nodes that depend on the one tensor and lead to the other, in order."""
    protos = list(in_order(analysis.model.graph.node))
    nodes = [(node, [*names_read(node)], [*node.output]) for node in protos]
    own = [
        (n, [t.name for t in n.inputs], [t.name for t in n.outputs]) for n in analysis.graph.extra
    ]
    steps = [*nodes, *own]
    after = {start}
    for _, read, made in steps:
        if not after.isdisjoint(read):
            after.update(filter(None, made))
    wanted, found = {end}, []
    for step, read, made in reversed(steps):
        if wanted.isdisjoint(made) or after.isdisjoint(read) or start in made:
            continue
        wanted.update(read)
        found.append(step)
    return [_node(analysis, step) for step in reversed(found)]


def _node(analysis: Analysis, step: onnx.NodeProto | Node) -> Node:
    if not isinstance(step, onnx.NodeProto):
        return step
    if any(
        a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in step.attribute
    ):
        raise InputError(
            f"'{step.name or step.op_type}' after the last attention has a body of its own, which "
            f"no file can run again on other tokens; use `explain`"
        )
    graph = analysis.graph
    known = {n: graph.tensors[n] for n in (*step.input, *step.output) if n in graph.tensors}
    return OnnxImporter.import_node(step, known, {}, graph.opset, None)


def float16_on(nodes: Iterable[Node]) -> bool:
    """Does any of them make float16?"""
    return any(t.dtype == np.float16 for node in nodes for t in node.outputs)
