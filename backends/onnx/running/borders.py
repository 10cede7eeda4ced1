"""bfloat16 at a model's borders: NumPy has none that onnxruntime would take or give.

A model that is run here gets float32 in its place at its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import TensorProto, helper

INSIDE = "cam.inside."
"""Before the name of a bfloat16 tensor whose place at the border a float32 one took."""


def with_single_borders(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose bfloat16 inputs and outputs are float32; `model` itself where it has none."""
    infos = [*model.graph.input, *model.graph.output]
    names = {i.name for i in infos if i.type.tensor_type.elem_type == TensorProto.BFLOAT16}
    names -= {t.name for t in model.graph.initializer}
    if not names:
        return model
    inside = {name: INSIDE + name for name in names}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    _rename(graph, inside)
    fed = {i.name for i in graph.input}
    into = [
        helper.make_node("Cast", [name], [inside[name]], to=TensorProto.BFLOAT16)
        for name in sorted(names & fed)
    ]
    given = sorted(names & {o.name for o in graph.output} - fed)
    out = [helper.make_node("Cast", [inside[n]], [n], to=TensorProto.FLOAT) for n in given]
    nodes = [*into, *graph.node, *out]
    del graph.node[:]
    graph.node.extend(nodes)
    for info in (*graph.input, *graph.output):
        if info.name in names:
            info.type.tensor_type.elem_type = TensorProto.FLOAT
    return copy


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Renames tensors wherever they are made or read, in place; not where they are declared."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for body in (b for a in node.attribute for b in (a.g, *a.graphs)):
            own = {i.name for i in (*body.input, *body.initializer)}
            own |= {name for inner in body.node for name in inner.output}
            _rename(body, {old: new for old, new in names.items() if old not in own})
