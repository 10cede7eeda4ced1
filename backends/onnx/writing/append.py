"""Appends what was emitted to a copy of the original model, whose own part stays as it is."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper

from ..reading.graph import FIXED_IR, Tensor, static
from .export import constants, declared, exported
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


def raise_ir(model: onnx.ModelProto) -> None:
    """Brings a model below IR 4 to IR 4, in place: its initialisers leave the input list."""
    if model.ir_version >= FIXED_IR:
        return
    weights = {t.name for t in model.graph.initializer}
    kept = [i for i in model.graph.input if i.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.ir_version = FIXED_IR


def before_raising(model: onnx.ModelProto) -> dict[str, Any]:
    """What `lower_ir` needs: version, ordered inputs, declarations that cannot be guessed."""
    weights = {t.name: t for t in model.graph.initializer}
    special = {
        info.name: base64.b64encode(info.SerializeToString(deterministic=True)).decode()
        for info in model.graph.input
        if info.name in weights and info != _declaration(weights[info.name])
    }
    names = [info.name for info in model.graph.input]
    return {"ir_version": model.ir_version, "inputs": names, "declarations": special}


def lower_ir(model: onnx.ModelProto, was: Mapping[str, Any]) -> None:
    """Takes `raise_ir` back, in place."""
    inputs = {info.name: info for info in model.graph.input}
    weights = {t.name: t for t in model.graph.initializer}
    ordered = []
    for name in was["inputs"]:
        if name in inputs:
            ordered.append(inputs[name])
        elif name in was["declarations"]:
            packed = base64.b64decode(was["declarations"][name])
            ordered.append(onnx.ValueInfoProto.FromString(packed))
        else:
            ordered.append(_declaration(weights[name]))
    del model.graph.input[:]
    model.graph.input.extend(ordered)
    model.ir_version = was["ir_version"]


def _declaration(tensor: onnx.TensorProto) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)


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
