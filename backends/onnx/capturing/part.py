"""The derivative of a part of a model, as a model that needs nothing but what the part reads.

It computes anew what the way back reads of the way forward: where a part is cheap, that costs less
than a forward pass of the whole that keeps it all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
import onnx_graphsurgeon as gs

from cam_core.errors import LayerError

from ..differentiating.reverse import Pass
from ..finding.analysis import Analysis
from ..finding.composites import recognise
from ..reading.graph import Node, Tensor, reads
from ..reading.prepare import names_read, prepare
from ..rules import GUIDED, VJP_RULES
from ..writing.append import value_info
from ..writing.emit import Emitter
from .cut import between
from .halves import COTANGENT, fill

Extents = Sequence[int | str | None]


@dataclass(frozen=True)
class Part:
    """A model from tensors and cotangents to cotangents."""

    model: onnx.ModelProto
    cotangents: Mapping[str, str]
    """Its input for each end."""
    gradients: Mapping[str, str]
    """Its output for each wanted tensor."""


def part(
    analysis: Analysis,
    given: Sequence[str],
    ends: Sequence[str],
    wanted: Sequence[str],
    *,
    shapes: Mapping[str, Extents] | None = None,
    guided: bool = False,
) -> Part:
    """From these tensors, and cotangents of the ends, to the cotangents of those wanted.

    Args:
        analysis: of the model.
        given: what the part is computed from.
        ends: where it ends.
        wanted: some of those given.
        shapes: of those given, where they are others than in the model.
        guided: guided backpropagation.

    Raises:
        LayerError: no derivative arrives.
        UnsupportedOpError: an operator has none.
    """
    forward = between(analysis, given, ends)
    if shapes is not None:
        _reshape(forward, shapes)
    graph = recognise(prepare(forward, folder=analysis.source.folder), {*given, *ends})
    op = Emitter(graph)
    rules = VJP_RULES | GUIDED if guided else VJP_RULES
    starts = {
        name: gs.Variable(f"{COTANGENT}_{i}", graph.tensors[name].dtype, graph.tensors[name].shape)
        for i, name in enumerate(ends)
    }
    leaves = [graph.tensors[name] for name in wanted if name in graph.tensors]
    pairs = [(graph.tensors[name], cotangent) for name, cotangent in starts.items()]
    found = Pass(op, rules).back(graph.nodes, pairs, leaves)
    for name in wanted:
        if name not in found:
            raise LayerError(f"no derivative arrives at '{name}'")
    outputs = {
        leaf.name: op.named(op.expand_like(found[leaf.name], leaf), f"cam.gradient_{i}")
        for i, leaf in enumerate(leaves)
    }
    model = _whole(op, forward, list(starts.values()), list(outputs.values()))
    return Part(
        model,
        {name: t.name for name, t in starts.items()},
        {name: t.name for name, t in outputs.items()},
    )


def _reshape(model: onnx.ModelProto, shapes: Mapping[str, Extents]) -> None:
    """Other extents of what is given; what was said of the others goes."""
    del model.graph.value_info[:]
    for info in model.graph.input:
        dims = info.type.tensor_type.shape.dim
        for dim, extent in zip(dims, shapes.get(info.name, ()), strict=False):
            if isinstance(extent, int):
                dim.dim_value = extent
            elif extent is not None:
                dim.dim_param = extent
    for info in model.graph.output:
        info.type.tensor_type.ClearField("shape")


def _whole(
    op: Emitter, forward: onnx.ModelProto, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> onnx.ModelProto:
    """Of the way forward what the way back reads, then the way back."""
    nodes = op.needed(outputs)
    ahead, read = _read_of(forward, nodes)
    model = onnx.ModelProto(ir_version=forward.ir_version)
    model.opset_import.extend(forward.opset_import)
    model.functions.extend(forward.functions)
    graph = model.graph
    graph.name = "part"
    graph.node.extend(ahead)
    fill(graph, forward, op, nodes, read)
    graph.input.extend(info for info in forward.graph.input if info.name in read)
    graph.input.extend(value_info(t, forward) for t in inputs)
    graph.output.extend(value_info(t, forward) for t in outputs)
    return model


def _read_of(
    forward: onnx.ModelProto, nodes: Sequence[Node]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """The nodes of the way forward that are read, and the names of all that is."""
    read = {t.name for node in nodes for t in reads(node)}
    found = []
    for node in reversed(forward.graph.node):
        if not read.isdisjoint(node.output):
            found.append(node)
            read.update(names_read(node))
    return found[::-1], read
