"""A network of one convolution, in single or half precision."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

TEXT = """<ir_version: 8, opset_import: ["" : 13]>
net ({kind}[N, 3, 8, 12] x) => ({kind}[N, 5] y) {{
    conv = Conv<pads = [1, 1, 1, 1]>(x, w)
    late = Relu(conv)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = MatMul(flat, v)
}}"""
SHAPES = {"w": (6, 3, 3, 3), "v": (6, 5)}


def net(kind: str = "float") -> onnx.ModelProto:
    model = onnx.parser.parse_model(TEXT.format(kind=kind))
    rng = np.random.default_rng(5)
    dtype = np.float16 if kind == "float16" else np.float32
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape).astype(dtype)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model
