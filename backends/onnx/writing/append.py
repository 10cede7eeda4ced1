"""Appends what was emitted to a copy of the original model, whose own part stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper

from ..reading.graph import Tensor, static
from .export import constants, declared, exported
from .ir import raise_ir
from .op import Op


def append(op: Op, *, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> onnx.ModelProto:
    """The original model with the emitted nodes, `inputs` and `outputs` after its own."""
    model = onnx.ModelProto()
    model.CopyFrom(op.graph.model)
    raise_ir(model)
    nodes = op.needed(outputs)
    model.graph.node.extend(exported_all(op, nodes))
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(t.values), t.name) for t in new_constants(op, nodes)
    )
    model.graph.value_info.extend(promises(op, nodes))
    model.graph.input.extend(value_info(t, op.graph.model) for t in inputs)
    model.graph.output.extend(value_info(t, op.graph.model) for t in outputs)
    return model


def new_constants(op: Op, nodes: Iterable[gs.Node]) -> list[gs.Constant]:
    """The constants that the nodes read and the original model does not hold."""
    return constants(nodes, op.graph.tensors)


def exported_all(op: Op, nodes: Sequence[gs.Node]) -> list[onnx.NodeProto]:
    """The nodes as messages, their bodies with constants of their own."""
    known = frozenset(t.name for t in new_constants(op, nodes))
    return [exported(node, known) for node in nodes]


def promises(op: Op, nodes: Iterable[gs.Node]) -> list[onnx.ValueInfoProto]:
    """The dynamic shapes that inference cannot know.

    Without them onnxruntime gives each tensor a symbol of its own, and needs a minute to load what
    it loads in a second: the time grows with the square of the nodes that follow.
    """
    said = (t for node in nodes for t in node.outputs if t.name in op.shaped)
    return [value_info(t, op.graph.model) for t in said if not static(t.shape)]


def value_info(tensor: Tensor, model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Declares a tensor; extents that the model's inputs do not name stay open."""
    named = {
        dim.dim_param
        for info in model.graph.input
        for dim in info.type.tensor_type.shape.dim
        if dim.dim_param
    }
    return declared(tensor, named)
