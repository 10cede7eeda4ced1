"""A network of two convolutions, explained in the file and by NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from cam_core.maps.combine import combine
from cam_core.methods import METHODS
from tests.sessions import run

C, K = 5, 6
"""Classes, and channels of the default layer."""
TEXT = """<ir_version: 8, opset_import: ["" : {opset}]>
net (float[N, 3, 8, 12] x) => (float[N, 5] y, float[N, 5] p) {{
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, w1, b1)
    early = Relu(conv1)
    pool = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(early)
    conv2 = Conv(pool, w2)
    late = Relu(conv2)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w3, b3)
    p = Softmax<axis = 1>(y)
}}"""
SHAPES = {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (K, 4, 3, 3), "w3": (C, K), "b3": (C,)}


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {n: rng.normal(size=shape).astype(np.float32) for n, shape in SHAPES.items()}


def net(opset: int = 13, **changes: str) -> onnx.ModelProto:
    """Two convolutions; `changes` replace pieces of the text."""
    text = TEXT.format(opset=opset)
    for old, new in changes.items():
        text = text.replace(old, new)
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights().items())
    return model


def images(count: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 3, 8, 12)).astype(np.float32)


def one_hot(classes: Sequence[int]) -> Any:
    return lambda y, outputs: np.eye(C, dtype=np.float32)[list(classes)]


def by_numpy(x: Any, classes: Sequence[int], method: str = "gradcam", layer: Any = None) -> Any:
    """(A, G, alpha, signed map) by the backend's two passes and the NumPy method."""
    layers = None if layer is None else [layer]
    (capture,) = OnnxBackend(net()).capture(x, one_hot(classes), layers=layers)
    A, G = capture.activations, capture.gradients
    alpha = METHODS[method](A, G)
    return A, G, alpha, combine(A, alpha)


def logits(x: Any) -> Any:
    return run(net(), x=x)["y"]


OUTPUTS = {  # of 3 images at the default layer
    "map": ((3, 2, 4), np.float32),
    "signed": ((3, 2, 4), np.float32),
    "heatmap": ((3, 8, 12), np.float32),
    "activations": ((3, K, 2, 4), np.float32),
    "gradients": ((3, K, 2, 4), np.float32),
    "alpha": ((3, K), np.float32),
    "noise_floor": ((3,), np.float32),
    "score": ((3,), np.float32),
    "class_used": ((3,), np.int64),
    "input_gradients": ((3, 3, 8, 12), np.float32),
    "logits": ((3, C), np.float32),
}
