"""A small network, its QDQ form as a quantiser writes it, and its float16 form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import helper, numpy_helper

FLOAT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x) => (float[N,4] y)
{
  [first] c1 = Conv<pads=[1,1,1,1]>(x, w1)
  [relu1] a1 = Relu(c1)
  [second] c2 = Conv<pads=[1,1,1,1]>(a1, w2)
  [relu2] a2 = Relu(c2)
  [third] c3 = Conv<pads=[1,1,1,1]>(a2, w3)
  [relu3] a3 = Relu(c3)
  [mean] p = GlobalAveragePool(a3)
  [flat] f = Flatten(p)
  [head] y = MatMul(f, v)
}"""
SHAPES = {"w1": (6, 3, 3, 3), "w2": (6, 6, 3, 3), "w3": (6, 6, 3, 3), "v": (6, 4)}
ROUNDED = ("x", "c1", "c2", "c3", "f")
"""The activations that get a pair; of c1 to c3 the ReLU is left to the range."""


def plain(rng: np.random.Generator) -> onnx.ModelProto:
    """The float network."""
    made = onnx.parser.parse_model(FLOAT)
    for name, shape in SHAPES.items():
        w = rng.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5
        made.graph.initializer.append(numpy_helper.from_array(w.astype(np.float32), name))
    return made


def ranges(model: onnx.ModelProto, x: Any) -> dict[str, tuple[float, float]]:
    """What the activations take on x, a ReLU's from 0 on."""
    from tests.sessions import run

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in ROUNDED[1:])
    seen = {"x": x} | run(probe, {"x": x})
    return {
        n: (0.0 if n.startswith("c") else float(seen[n].min()), float(seen[n].max()))
        for n in ROUNDED
    }


def quantised(
    model: onnx.ModelProto,
    found: Mapping[str, tuple[float, float]],
    scaled: Mapping[str, float] | None = None,
) -> onnx.ModelProto:
    """The QDQ form: bytes, int8 weights, no ReLU.

    Args:
        found: the range of each activation.
        scaled: by what the scale of a weight is multiplied, a planted defect.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    del graph.node[:], graph.initializer[:]
    reads = {"a1": "c1", "a2": "c2", "a3": "c3"}
    for name, w in weights.items():
        scale = np.float32(np.abs(w).max() / 127)
        _hold(graph, f"{name}_quantized", np.rint(w / scale).astype(np.int8))
        _hold(graph, f"{name}_scale", np.float32(scale * (scaled or {}).get(name, 1.0)))
        _hold(graph, f"{name}_zero_point", np.int8(0))
        three = [f"{name}_quantized", f"{name}_scale", f"{name}_zero_point"]
        graph.node.append(helper.make_node("DequantizeLinear", three, [f"{name}_dq"]))
    for name in ROUNDED[:1]:
        _pair(graph, name, found[name])
    for node in model.graph.node:
        if node.op_type == "Relu":
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        named = (reads.get(name, name) for name in node.input)
        copy.input[:] = [f"{n}_dq" if n in weights or n in ROUNDED else n for n in named]
        graph.node.append(copy)
        if node.output[0] in ROUNDED:
            _pair(graph, node.output[0], found[node.output[0]])
    return made


def _pair(graph: Any, name: str, span: tuple[float, float]) -> None:
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    scale = np.float32((high - low) / 255)
    _hold(graph, f"{name}_scale", scale)
    _hold(graph, f"{name}_zero_point", np.uint8(np.rint(-low / scale)))
    two = [f"{name}_scale", f"{name}_zero_point"]
    graph.node.append(helper.make_node("QuantizeLinear", [name, *two], [f"{name}_q"], f"{name}_Q"))
    graph.node.append(helper.make_node("DequantizeLinear", [f"{name}_q", *two], [f"{name}_dq"]))


def _hold(graph: Any, name: str, value: Any) -> None:
    graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """In float16, what is fed and given in float32; tensors keep their names."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    weights = [numpy_helper.to_array(t).astype(np.float16) for t in graph.initializer]
    names = [t.name for t in graph.initializer]
    del graph.initializer[:]
    for name, w in zip(names, weights, strict=True):
        _hold(graph, name, w)
    nodes = [helper.make_node("Cast", ["x"], ["x_half"], "x_cast", to=onnx.TensorProto.FLOAT16)]
    for node in model.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = ["x_half" if name == "x" else name for name in node.input]
        copy.output[:] = ["y_half" if name == "y" else name for name in node.output]
        nodes.append(copy)
    nodes.append(helper.make_node("Cast", ["y_half"], ["y"], "y_cast", to=onnx.TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    return made
