"""Networks of a few lines, from ONNX text, with seeded weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from backends.onnx import OnnxBackend


def net(
    body: str, weights: dict[str, tuple[int, ...]], x: str = "N, 3, 16, 16", kind: str = "float"
) -> onnx.ModelProto:
    """A network of x whose score is y, seeded weights; constants of the text stay its own."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]>\nnet ({kind}[{x}] x) => (float y) {{{body}}}'
    )
    rng = np.random.default_rng(4)
    model.graph.initializer.extend(
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in weights.items()
    )
    return model


def conv(out: int, into: int, size: int = 3) -> tuple[int, ...]:
    return (out, into, size, size)


STEM = "c1 = Conv<pads = [1,1,1,1], strides = [2,2]>(x, w1)  r1 = Relu(c1)\n"
HEAD = "gap = GlobalAveragePool(last)  flat = Flatten(gap)  y = Gemm<transB = 1>(flat, wy)\n"
W1 = {"w1": conv(8, 3)}
RESIDUAL = (
    STEM
    + """
    c2 = Conv<pads = [1,1,1,1]>(r1, w2)  sum = Add(c2, r1)  r2 = Relu(sum)
    c3 = Conv<pads = [1,1,1,1]>(r2, w3)  b3 = BatchNormalization(c3, s, b, m, v)
    sum2 = Add(b3, r2)  last = Relu(sum2)
"""
    + HEAD
)
TWO_CONVOLUTIONS = {"w2": conv(8, 8), "w3": conv(8, 8)}
NORM = {"s": (8,), "b": (8,), "m": (8,), "v": (8,)}
CLASSES = {"wy": (5, 8)}
TOKENS = """
    e = Conv<strides = [4,4]>(x, w1)  sh = Constant<value = int64[3] {1, 8, 16}>()
    fl = Reshape(e, sh)  tk = Transpose<perm = [0, 2, 1]>(fl)
"""
VIT = {
    "w1": conv(8, 3, 4), "cls": (1, 1, 8), "g": (8,), "h": (8,),
    "wq": (8, 8), "wk": (8, 8), "wv": (8, 8), "wf": (8, 16), "wg": (16, 8), "wy": (5, 8),
}  # fmt: skip


def found(model: onnx.ModelProto, layer: str | int) -> str:
    return OnnxBackend(model, layer=layer).default_layer
