"""The model cut open at a layer: what comes after it, with the layer's tensor as an input."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx_graphsurgeon.exporters.onnx_exporter import OnnxExporter

from ..finding.analysis import Analysis
from ..reading.graph import Tensor
from ..writing.append import value_info
from ..writing.ir import raise_ir

INJECTED = "cam.injected"


def with_outputs(analysis: Analysis, tensors: Sequence[Tensor]) -> onnx.ModelProto:
    """A copy that also gives these tensors."""
    model = onnx.ModelProto()
    model.CopyFrom(analysis.model)
    raise_ir(model)
    own = {o.name for o in model.graph.output}
    missing = (t for t in tensors if t.name not in own)
    model.graph.output.extend(value_info(t, analysis.model) for t in missing)
    names = {t.name for t in tensors}
    needed = (n for n in analysis.graph.extra if any(t.name in names for t in n.outputs))
    model.graph.node.extend(OnnxExporter.export_node(node) for node in needed)
    return model


def injected(analysis: Analysis, layer: Tensor) -> onnx.ModelProto:
    """From `layer`, which becomes the input INJECTED, to the score."""
    score = analysis.score
    model = with_outputs(analysis, [score.tensor])
    for node in model.graph.node:
        node.input[:] = [INJECTED if name == layer.name else name for name in node.input]
    kept = [o for o in model.graph.output if o.name == score.name]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    info = value_info(layer, analysis.model)
    info.name = INJECTED
    model.graph.input.append(info)
    _drop_dead(model.graph)
    return model


def _drop_dead(graph: onnx.GraphProto) -> None:
    """Drops nodes and inputs that no output depends on."""
    needed = {o.name for o in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
            for attribute in node.attribute:
                needed.update(n for inner in attribute.g.node for n in inner.input)
    inputs = [i for i in graph.input if i.name in needed]
    for field, values in ((graph.node, kept[::-1]), (graph.input, inputs)):
        del field[:]
        field.extend(values)
