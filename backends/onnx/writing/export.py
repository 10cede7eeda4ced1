"""Nodes as protobuf messages, bodies included: every constant in the graph that reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx_graphsurgeon.exporters.onnx_exporter import OnnxExporter

from ..reading.graph import Node, Tensor


def exported(node: Node, known: frozenset[str] = frozenset()) -> onnx.NodeProto:
    """The node as a message; `known` are the constants of the graphs around it."""
    bodies = {name: value for name, value in node.attrs.items() if isinstance(value, gs.Graph)}
    if not bodies:
        proto: onnx.NodeProto = OnnxExporter.export_node(node)
        return proto
    plain = {name: value for name, value in node.attrs.items() if name not in bodies}
    inputs, outputs = ([t.name for t in ts] for ts in (node.inputs, node.outputs))
    proto = onnx.helper.make_node(node.op, inputs, outputs, node.name, domain=node.domain)
    proto.attribute.extend(OnnxExporter.export_attributes(plain))
    for name, body in bodies.items():
        proto.attribute.add(name=name, type=onnx.AttributeProto.GRAPH).g.CopyFrom(
            exported_body(body, known)
        )
    return proto


def exported_body(body: gs.Graph, known: frozenset[str] = frozenset()) -> onnx.GraphProto:
    """The same for the body of an If, a Loop or a Scan."""
    own = constants(body.nodes, known)
    known |= {t.name for t in own}
    return onnx.helper.make_graph(
        [exported(node, known) for node in body.nodes],
        body.name,
        [declared(t) for t in body.inputs],
        [declared(t) for t in body.outputs],
        [OnnxExporter.export_tensor_proto(t) for t in own],
    )


def constants(nodes: Iterable[Node], known: Iterable[str]) -> list[gs.Constant]:
    """What the nodes themselves read and no graph around them holds."""
    read = (t for node in nodes for t in node.inputs if isinstance(t, gs.Constant))
    found = {t.name: t for t in read}
    return [t for name, t in found.items() if name not in known]


def declared(tensor: Tensor, named: Collection[str] = ()) -> onnx.ValueInfoProto:
    """The tensor's type; extents that are neither numbers nor `named` stay open."""
    if tensor.dtype is None:
        return onnx.helper.make_empty_tensor_value_info(tensor.name)
    elem = tensor.dtype
    if not isinstance(elem, int):
        elem = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(elem))
    shape = tensor.shape
    if shape is not None:
        shape = [d if isinstance(d, int) or d in named else None for d in shape]
    return onnx.helper.make_tensor_value_info(tensor.name, elem, shape)
