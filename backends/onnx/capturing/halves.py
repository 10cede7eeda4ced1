"""The same gradient as two models: a forward that keeps what the backward reads, and the backward.

One forward pass then serves any number of targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper

from ..differentiating.gradient import differentiate
from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.graph import FIXED_IR, Tensor, numpy_type, reads
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
    backward: onnx.ModelProto
    residuals: tuple[str, ...]
    """Forward tensors that the backward reads."""
    fetched: tuple[str, ...]
    """Outputs of the forward beyond the model's own: score, layers, residuals."""
    gradients: dict[str, str]
    """Output of the backward for each wanted tensor."""


def split(
    analysis: Analysis, choices: Sequence[Choice], inputs: Sequence[str], *, guided: bool = False
) -> Split:
    """The two models for these layers, and for the gradients of these inputs."""
    graph, score = analysis.graph, analysis.score.tensor
    op = Emitter(graph)
    cotangent = gs.Variable(COTANGENT, numpy_type(score.dtype), score.shape)
    wanted = list(dict.fromkeys([*(c.name for c in choices), *inputs]))
    found = differentiate(op, analysis, cotangent, wanted, guided=guided)
    layers = {c.name for c in choices}
    found |= {
        n: in_real_units(op, graph, graph.tensors[n], g)[1] for n, g in found.items() if n in layers
    }
    outputs = {name: op.named(g, f"cam.gradient_{i}") for i, (name, g) in enumerate(found.items())}
    nodes = op.needed(outputs.values())
    residuals = _residuals(op, nodes)
    own = {i.name for i in analysis.model.graph.input} | {t.name for t in graph.outputs}
    fetched = dict.fromkeys([score.name, *(c.name for c in choices), *(t.name for t in residuals)])
    extra = [graph.tensors[name] for name in fetched if name not in own]
    return Split(
        with_outputs(analysis, extra),
        _backward(op, nodes, [cotangent, *residuals], list(outputs.values())),
        tuple(t.name for t in residuals),
        tuple(name for name in fetched if name in own or name in graph.tensors),
        {name: t.name for name, t in outputs.items()},
    )


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
    graph.node.extend(exported_all(op, nodes))
    graph.initializer.extend(t for t in source.graph.initializer if t.name in read)
    sparse = source.graph.sparse_initializer
    graph.sparse_initializer.extend(t for t in sparse if t.values.name in read)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(t.values), t.name) for t in new_constants(op, nodes)
    )
    graph.value_info.extend(promises(op, nodes))
    graph.input.extend(value_info(t, source) for t in inputs)
    graph.output.extend(value_info(t, source) for t in outputs)
    return model


def _constant_nodes(model: onnx.ModelProto, read: set[str]) -> list[onnx.NodeProto]:
    return [n for n in model.graph.node if n.op_type == "Constant" and n.output[0] in read]
