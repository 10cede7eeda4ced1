"""One small network with every head that reads its last map in a way of its own."""

from __future__ import annotations

import numpy as np
import onnx.parser
from onnx import numpy_helper

from backends.onnx import OnnxBackend

PLACES, FLAT = 6 * 6, 5 * 3 * 3
HEADS = {  # from a [N, 5, 6, 6] to f [N, k]; k
    "mean of all": ("g = GlobalAveragePool(a) f = Flatten(g)", "mean", 5),
    "a mean over axes": ("f = ReduceMean<axes = [2, 3], keepdims = 0>(a)", "mean", 5),
    "a window of all": ("g = AveragePool<kernel_shape = [6, 6]>(a) f = Flatten(g)", "mean", 5),
    "a mean, channels last": (
        "t = Transpose<perm = [0, 2, 3, 1]>(a) f = ReduceMean<axes = [1, 2], keepdims = 0>(t)",
        "mean",
        5,
    ),
    "a small maximum and a mean": (
        "p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a) g = GlobalAveragePool(p) "
        "f = Flatten(g)",
        "mean",
        5,
    ),
    "gated by its own mean": (
        "s = GlobalAveragePool(a) z = Sigmoid(s) b = Mul(a, z) g = GlobalAveragePool(b) "
        "f = Flatten(g)",
        "mean",
        5,
    ),
    "maximum of all": ("g = GlobalMaxPool(a) f = Flatten(g)", "maximum", 5),
    "a maximum over axes": ("f = ReduceMax<axes = [2, 3], keepdims = 0>(a)", "maximum", 5),
    "maximum of a window": ("g = MaxPool<kernel_shape = [6, 6]>(a) f = Flatten(g)", "maximum", 5),
    "flattened": ("f = Flatten(a)", "flattened", 5 * PLACES),
    "reshaped": ("f = Reshape(a, row)", "flattened", 5 * PLACES),
    "a maximum, then flattened": (
        "p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a) f = Flatten(p)",
        "flattened",
        FLAT,
    ),
    "a mean and a maximum": (
        "g = GlobalAveragePool(a) h = GlobalMaxPool(a) c = Concat<axis = 1>(g, h) f = Flatten(c)",
        "",
        10,
    ),
    "another norm": ("g = GlobalLpPool(a) f = Flatten(g)", "", 5),
}


def backend(head: str, width: int, layers: int = 2) -> OnnxBackend:
    """conv, relu, the head, and so many linear layers."""
    first = "m = Gemm(f, v) u = Relu(m) y = Gemm(u, w)" if layers == 2 else "y = Gemm(f, v)"
    made = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]>\n'
        "net (float[N, 3, 6, 6] x) => (float[N, 4] y) <int64[2] row = {0, -1}> {\n"
        f"    b0 = Conv<pads = [1, 1, 1, 1]>(x, k) a = Relu(b0) {head} {first}\n}}"
    )
    shapes = {"k": (5, 3, 3, 3), "v": (width, 4), "w": (4, 4)}
    rng = np.random.default_rng(0)
    made.graph.initializer.extend(
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
        if name != "w" or layers == 2
    )
    return OnnxBackend(made)
