"""Models of a few operators with the outputs that a test is about."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

BODY = "c = Conv<pads = [1, 1, 1, 1]>(x, w) a = Relu(c) g = GlobalAveragePool(a) f = Flatten(g)"
SHAPES = {
    "w": (6, 3, 3, 3), "v": (5, 6), "v1": (1, 6), "k": (5, 6, 1, 1), "k1": (1, 6, 1, 1),
    "k3": (3, 6, 1, 1), "k4": (4, 6, 1, 1), "c4": (4, 6), "m": (6, 5), "m1": (6, 1), "scale": (5,),
}  # fmt: skip


def net(
    nodes: str,
    outputs: str,
    *,
    x: str = "float[N, 3, 8, 8] x",
    opset: int = 17,
    metadata: dict[str, str] | None = None,
) -> onnx.ModelProto:
    """`nodes` after a convolution `a` [N, 6, 8, 8] and its mean `f` [N, 6]; weights by name."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}, "ai.onnx.ml" : 2]> '
        f"net ({x}) => ({outputs}) {{ {BODY if x.endswith('8] x') else ''} {nodes} }}"
    )
    rng = np.random.default_rng(4)
    for name, shape in SHAPES.items():
        if any(name in node.input for node in model.graph.node):
            weight = rng.normal(size=shape).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(weight, name))
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    return model
