"""Bodies of If, Loop and Scan: one that is read, computed again and reversed inside a new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import helper
from onnx_graphsurgeon.importers.onnx_importer import OnnxImporter

from ..reading.graph import FIXED_IR, Graph, Node, Shape, Tensor, captures
from ..reading.prepare import prepare
from .export import exported_body
from .op import Op


@dataclass(frozen=True)
class Body:
    """A copy of a body under names of its own, with what writes after it."""

    op: Op
    """Holds the copied nodes; those that nobody reads are left out at the end."""
    nodes: list[Node]
    """The same nodes in normal form, for the rules."""
    inputs: list[Tensor]
    outputs: list[Tensor]


def enter(op: Op, body: gs.Graph, kinds: Sequence[tuple[Any, Shape | None]] = ()) -> Body:
    """A copy of `body` that stands in op's graph; `kinds`: (type, shape) of its inputs."""
    proto = _renamed(op, exported_body(body))
    graph = read(op.graph, body, proto, kinds)
    graph = dataclasses.replace(graph, model=op.graph.model)
    names = [i.name for i in proto.input]
    copied = OnnxImporter.import_graph(proto, dict(graph.tensors), opset=op.opset).nodes
    made = {o.name for o in proto.output}
    outputs = [graph.tensors[o.name] for o in proto.output] if made else []
    return Body(
        op.within(graph, copied), graph.nodes, [graph.tensors[name] for name in names], outputs
    )


def read(
    around: Graph, body: gs.Graph, proto: onnx.GraphProto, kinds: Sequence[tuple[Any, Shape | None]]
) -> Graph:
    """`proto`, a copy of `body`, as a graph of its own; `kinds`: (type, shape) of its inputs."""
    source = onnx.ModelProto(ir_version=max(around.model.ir_version, FIXED_IR))
    source.opset_import.extend(around.model.opset_import)
    source.graph.CopyFrom(proto)
    del source.graph.input[:]
    given = zip([i.name for i in proto.input], kinds, strict=True)
    source.graph.input.extend(_declared(name, *kind) for name, kind in given)
    outer = {t.name: t for t in captures(body)}
    source.graph.input.extend(_declared(name, t.dtype, t.shape) for name, t in outer.items())
    return prepare(source, around)


def close(op: Op, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> gs.Graph:
    """The body that `op` wrote and that gives `outputs`, each under a name of its own."""
    named = [_made_here(op, t) for t in outputs]
    nodes = op.needed(named)
    return gs.Graph(nodes, list(inputs), named, name=op.name("body"), opset=op.opset)


def close_repeated(
    op: Op, inner: Op, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> gs.Graph:
    """The same where the body is repeated: what no turn changes is computed once, before it."""
    changing = {t.name for t in inputs}
    kept = []
    for node in inner.nodes:
        bodies = any(True for _ in node.subgraphs())
        if bodies or not changing.isdisjoint(t.name for t in node.inputs):
            changing.update(t.name for t in node.outputs)
            kept.append(node)
        else:
            op.nodes.append(node)
    inner.nodes[:] = kept
    return close(inner, inputs, outputs)


def _made_here(op: Op, tensor: Tensor) -> Tensor:
    """A copy: a body must not give what it only captures, nor one tensor twice."""
    copy = gs.Variable(op.name("out"), tensor.dtype, tensor.shape)
    op.nodes.append(gs.Node("Identity", op.name("Identity"), {}, [tensor], [copy], ""))
    return copy


def _declared(name: str, dtype: Any, shape: Shape | None) -> onnx.ValueInfoProto:
    elem = dtype if isinstance(dtype, int) else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    if shape is not None:
        shape = tuple(f"{name}.{i}" if d is None else d for i, d in enumerate(shape))
    return helper.make_tensor_value_info(name, elem, shape)


def _renamed(op: Op, body: onnx.GraphProto) -> onnx.GraphProto:
    """A copy whose own tensors and nodes have new names; its weights become Constant nodes."""
    copy = onnx.GraphProto()
    copy.CopyFrom(body)
    nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in copy.initializer]
    nodes.extend(copy.node)
    del copy.initializer[:], copy.value_info[:], copy.node[:]
    copy.node.extend(nodes)
    _rename(
        copy,
        {name: op.name(name.removeprefix(op.prefix)) for name in dict.fromkeys(_made(copy))},
        op,
    )
    return copy


def _made(body: onnx.GraphProto) -> Iterator[str]:
    """What a body and the bodies in it make."""
    yield from (i.name for i in (*body.input, *body.initializer))
    for node in body.node:
        yield from filter(None, node.output)
        for inner in _inner(node):
            yield from _made(inner)


def _rename(body: onnx.GraphProto, names: Mapping[str, str], op: Op) -> None:
    for info in (*body.input, *body.output, *body.initializer):
        info.name = names.get(info.name, info.name)
    for node in body.node:
        node.name = op.name(node.op_type)
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for inner in _inner(node):
            _rename(inner, names, op)


def _inner(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
