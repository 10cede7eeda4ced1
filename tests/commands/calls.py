"""A model of two convolutions in a file, and the commands called on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from click.testing import CliRunner, Result

from cam_core.cli.group import gradcam

MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x) => (float[N,4] y)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  a = Relu(c)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = Gemm<transB=1>(f, v)
}"""
ENDED = MODEL.replace("(float[N,4] y)", "(float[N,4] y, float[N,4] s)").replace(
    "(f, v)", "(f, v)\n  s = Softmax(y)"
)
"""The same, and the softmax of its scores."""
APART = MODEL.replace(
    "y = Gemm<transB=1>(f, v)",
    "t = Transpose<perm=[1,0]>(v)\n  z = MatMul(f, t)\n"
    "  u = Constant<value_floats=[1.0,1.0,1.0,1.0]>()\n  y = Add(z, u)",
)
"""The same, its head in two."""
WEIGHTS = {"w": (5, 3, 3, 3), "v": (4, 5)}


def write(text: str, path: Path, rng: np.random.Generator) -> Path:
    parsed = onnx.parser.parse_model(text)
    for name, shape in WEIGHTS.items():
        value = rng.normal(size=shape).astype(np.float32)
        parsed.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    path.write_bytes(parsed.SerializeToString())
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(gradcam, [str(a) for a in arguments], prog_name="gradcam")
