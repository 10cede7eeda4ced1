"""Files as onnxruntime's quantiser writes them: all kept in float is the float model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.blaming.net import Net
from backends.onnx.blaming.pairs import find_pairs
from backends.onnx.blaming.rewrite import kept_in_float
from tests.sessions import run

TEXT = """<ir_version: 8, opset_import: ["" : 13]>
g (float[1,3,8,8] x) => (float[1,4] y)
{
  [conv] c = Conv<pads=[1,1,1,1]>(x, w, b)
  [relu] r = Relu(c)
  [conv2] d = Conv<pads=[1,1,1,1]>(r, w2, b)
  [clip] k = Clip(d, zero, six)
  [skip] s = Add(k, r)
  [pool] m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(s)
  [mean] p = GlobalAveragePool(m)
  [flat] f = Flatten(p)
  [turn] t = Transpose<perm=[1,0]>(f)
  [back] u = Transpose<perm=[1,0]>(t)
  [hidden] h = MatMul(u, v)
  [bias] hb = Add(h, vb)
  [relu2] hr = Relu(hb)
  [head] y = Gemm(hr, v2, v2b)
}"""
SHAPES = {
    **{"w": (5, 3, 3, 3), "w2": (5, 5, 3, 3), "b": (5,), "v": (5, 6), "vb": (6,)},
    **{"v2": (6, 4), "v2b": (4,)},
}


class Photos:
    """What the quantiser reads."""

    def __init__(self, x: Any) -> None:
        self.left: Iterator[Any] = iter(x)

    def get_next(self) -> dict[str, Any] | None:
        row = next(self.left, None)
        return None if row is None else {"x": row[None]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the quantiser's own imports
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("dedicated", [False, True])
def test_all_kept_in_float(
    per_channel: bool, dedicated: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    quantization = pytest.importorskip(
        "onnxruntime.quantization", reason="this runtime has no quantiser"
    )
    plain = onnx.parser.parse_model(TEXT)
    held = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    held |= {"zero": np.float32(0), "six": np.float32(6)}
    plain.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in held.items()
    )
    onnx.save(plain, tmp_path / "plain.onnx")
    x = rng.normal(size=(8, 3, 8, 8)).astype(np.float32)
    quantization.quantize_static(
        str(tmp_path / "plain.onnx"),
        str(tmp_path / "int8.onnx"),
        Photos(x),
        per_channel=per_channel,
        extra_options={"DedicatedQDQPair": dedicated},
    )
    rounded = onnx.load(tmp_path / "int8.onnx")
    every = find_pairs(Net(rounded), Net(plain))
    assert every.unrated == ()
    whole = kept_in_float(rounded, every, every.found)
    left = {n.op_type for n in whole.graph.node if n.op_type.endswith("eLinear")}
    assert left <= {"DequantizeLinear"}  # biases of 32 bits, as good as float
    seen = [
        run(model, x=3 * x[:1], level="ORT_DISABLE_ALL")["y"] for model in (whole, plain, rounded)
    ]
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-3, atol=1e-3)  # what the biases lack
    assert np.abs(seen[2] - seen[1]).max() > 0.01  # beyond its ranges it differs
