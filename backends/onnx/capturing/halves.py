"""The same gradient as two models: a forward that keeps what the backward reads, and the backward.

One forward pass then serves any number of targets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper

from cam_core.errors import CamError

from ..differentiating.gradient import differentiate
from ..differentiating.reverse import Pass
from ..finding.analysis import Analysis
from ..reading.graph import FIXED_IR, Tensor, numpy_type, reads
from ..rules import VJP_RULES
from ..writing.append import exported_all, new_constants, promises, value_info
from ..writing.arithmetic import in_real_units
from ..writing.emit import Emitter
from ..writing.op import Op
from .cut import with_outputs

COTANGENT = "cam.cotangent"


@dataclass(frozen=True)
class Split:
    """Both models and what goes between them."""

    forward: onnx.ModelProto
    fetched: tuple[str, ...]
    """Outputs of the forward beyond the model's own: score, layers, residuals."""
    backward: onnx.ModelProto | None = None
    gradients: Mapping[str, str] = field(default_factory=dict)
    """Output of the backward for each wanted tensor; it may have to be spread over the tensor."""
    refused: CamError | None = None
    """Why there is no backward, where one is wanted."""


def split(
    analysis: Analysis, inputs: Sequence[str], *, guided: bool = False, kept: Sequence[str] = ()
) -> Split:
    """The two models for the layers of an analysis, and for the gradients of these inputs.

    `kept`: what else the forward pass is to give. Where there is no derivative the forward pass
    stands alone: tails need none.
    """
    wanted = list(dict.fromkeys([*(c.tensor.name for c in analysis.choices), *inputs]))
    if not wanted:
        return _forward(analysis, kept)
    try:
        return _both(analysis, wanted, guided, kept)
    except CamError as error:
        return replace(_forward(analysis, kept), refused=error)


def split_apart(analysis: Analysis, pairs: Sequence[tuple[Tensor, Tensor]]) -> Split:
    """The gradient of each pair's second tensor by its first alone, from a cotangent of the first.

    The cotangents are inputs `cam.cotangent_0`, `cam.cotangent_1`, ... of the backward model.
    """
    op = Emitter(analysis.graph)
    cotangents, found = [], {}
    for i, (end, leaf) in enumerate(pairs):
        cotangents.append(gs.Variable(f"{COTANGENT}_{i}", numpy_type(end.dtype), end.shape))
        back = Pass(op, VJP_RULES).back(analysis.graph.nodes, [(end, cotangents[i])], [leaf])
        found[leaf.name] = op.expand_like(back[leaf.name], leaf)
    return _split(op, analysis, cotangents, found, [end.name for end, _ in pairs])


def _both(analysis: Analysis, wanted: Sequence[str], guided: bool, kept: Sequence[str]) -> Split:
    graph, score = analysis.graph, analysis.score.tensor
    op = Emitter(graph)
    cotangent = gs.Variable(COTANGENT, numpy_type(score.dtype), score.shape)
    found = differentiate(op, analysis, cotangent, wanted, guided=guided)
    layers = {c.tensor.name for c in analysis.choices}
    found |= {
        n: op.promises.beneath(in_real_units(op, graph, graph.tensors[n], g)[1])
        for n, g in found.items()
        if n in layers
    }
    return _split(op, analysis, [cotangent], found, kept)


def _split(
    op: Emitter,
    analysis: Analysis,
    cotangents: Sequence[Tensor],
    found: Mapping[str, Tensor],
    kept: Sequence[str],
) -> Split:
    graph = analysis.graph
    outputs = {name: op.named(g, f"cam.gradient_{i}") for i, (name, g) in enumerate(found.items())}
    extra = {id(node) for node in graph.extra}  # run in the forward pass, as if the file held them
    nodes = [node for node in op.needed(outputs.values()) if id(node) not in extra]
    residuals = _residuals(op, nodes)
    return replace(
        _forward(analysis, [*(t.name for t in residuals), *kept]),
        backward=_backward(op, nodes, [*cotangents, *residuals], list(outputs.values())),
        gradients={name: t.name for name, t in outputs.items()},
    )


def _forward(analysis: Analysis, residuals: Sequence[str]) -> Split:
    graph = analysis.graph
    own = {i.name for i in analysis.model.graph.input} | {t.name for t in graph.outputs}
    layers = [c.tensor.name for c in analysis.choices]
    fetched = dict.fromkeys([analysis.score.name, *layers, *residuals])
    extra = [graph.tensors[name] for name in fetched if name not in own]
    kept = tuple(name for name in fetched if name in own or name in graph.tensors)
    return Split(with_outputs(analysis, extra), kept)


def _residuals(op: Op, nodes: Sequence[gs.Node]) -> list[Tensor]:
    """What the backward reads of the forward, weights apart."""
    graph = op.graph
    read = {t.name: t for node in nodes for t in reads(node) if t.name in graph.tensors}
    return [t for name, t in read.items() if name not in graph.weights]


def _backward(
    op: Op, nodes: Sequence[gs.Node], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> onnx.ModelProto:
    source = op.graph.model
    model = onnx.ModelProto(ir_version=max(source.ir_version, FIXED_IR))
    model.opset_import.extend(source.opset_import)
    graph = model.graph
    graph.name = "backward"
    read = {t.name for node in nodes for t in reads(node)}
    graph.node.extend(_constant_nodes(source, read))
    fill(graph, source, op, nodes, read)
    graph.input.extend(value_info(t, source) for t in inputs)
    graph.output.extend(value_info(t, source) for t in outputs)
    return model


def fill(
    graph: onnx.GraphProto,
    source: onnx.ModelProto,
    op: Op,
    nodes: Sequence[gs.Node],
    read: Collection[str],
) -> None:
    """Adds the nodes of a way back, its constants, and those weights of a model that are read."""
    graph.node.extend(exported_all(op, nodes))
    graph.initializer.extend(t for t in source.graph.initializer if t.name in read)
    sparse = source.graph.sparse_initializer
    graph.sparse_initializer.extend(t for t in sparse if t.values.name in read)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(t.values), t.name) for t in new_constants(op, nodes)
    )
    graph.value_info.extend(promises(op, nodes))


def _constant_nodes(model: onnx.ModelProto, read: set[str]) -> list[onnx.NodeProto]:
    return [n for n in model.graph.node if n.op_type == "Constant" and n.output[0] in read]
