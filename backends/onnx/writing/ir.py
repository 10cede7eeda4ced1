"""IR versions: below IR 4 weights are inputs, which keeps runtimes from folding them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import onnx

from ..reading.graph import FIXED_IR


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
