"""Weights that are kept in float, so that onnxruntime leaves them so.

From its basic level on its optimiser (WeightBiasQuantization) quantises a float weight that is read
beside a dequantised input, one scale for all of it, unless the bias comes from DequantizeLinear. So
such a bias gets one: of 32 bits, as exact as a float.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cam_core.backend import Array

from .net import Net
from .suspects import PREFIX

AFFECTED = {"Conv", "ConvTranspose", "Gemm"}
"""Operators that it looks at."""
STEPS = 2**31 - 1
EXTERNAL = onnx.TensorProto.EXTERNAL


def hold_float(model: onnx.ModelProto) -> None:
    """Gives those operators their bias through DequantizeLinear, in place."""
    net = Net(model)
    held = {t.name: t for t in model.graph.initializer}
    nodes, made = [], {}
    for node in model.graph.node:
        if node.op_type in AFFECTED and _is_found(node, net, held):
            name = node.input[2] if len(node.input) > 2 else ""
            bias = numpy_helper.to_array(held[name]) if name else _zero(node, held)
            key = name or f"{node.output[0]}.bias"
            if key not in made:
                made[key] = f"{PREFIX}{key}.held"
                nodes.append(_dequantised(made[key], bias, model.graph))
            del node.input[2:]
            node.input.append(made[key])
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _is_found(node: onnx.NodeProto, net: Net, held: Mapping[str, onnx.TensorProto]) -> bool:
    """Would it be quantised?"""
    before = net.makers.get(node.input[0])
    bias = node.input[2] if len(node.input) > 2 else ""
    own = held.get(node.input[1])
    return (
        before is not None
        and before.op_type == "DequantizeLinear"
        and own is not None
        and own.data_type == onnx.TensorProto.FLOAT
        and (not bias or (bias in held and held[bias].data_location != EXTERNAL))
    )


def _zero(node: onnx.NodeProto, held: Mapping[str, onnx.TensorProto]) -> Array:
    """A bias that adds nothing."""
    dims = held[node.input[1]].dims
    if node.op_type == "Gemm":
        return np.zeros((), np.float32)
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    channels = dims[0] if node.op_type == "Conv" else dims[1] * groups
    return np.zeros(channels, np.float32)


def _dequantised(name: str, bias: Array, graph: onnx.GraphProto) -> onnx.NodeProto:
    """DQ of 32 bits: off by 2^-32 of the largest entry, less than float32 tells."""
    wide = bias.astype(np.float64)
    scale = np.float32(np.max(np.abs(wide), initial=0.0) / STEPS or 1.0)
    q = np.clip(np.rint(wide / np.float64(scale)), -STEPS, STEPS).astype(np.int32)
    graph.initializer.append(numpy_helper.from_array(q, f"{name}.q"))
    graph.initializer.append(numpy_helper.from_array(np.asarray(scale), f"{name}.scale"))
    return helper.make_node("DequantizeLinear", [f"{name}.q", f"{name}.scale"], [name], name)
