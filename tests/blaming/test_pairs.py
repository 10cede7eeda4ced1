"""Which tensors are rounded, what they would be in float, and what goes with them."""

from __future__ import annotations

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

PLAIN = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4] x) => (float[1,4] y)
<float[4,4] w = {1.1,0,0,0, 0,1.2,0,0, 0,0,1.3,0, 0,0,0,1.4}>
{
  [product] m = MatMul(x, w)
  [relu] r = Relu(m)
  [shown] y = Reshape<allowzero=0>(r, s)
}"""
ROUNDED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4] x) => (float[1,4] y)
<float scale = {0.5}, uint8 zero = {0}, float[4,4] w = {1.1,0,0,0, 0,1.2,0,0, 0,0,1.3,0, 0,0,0,1.4},
 float ws = {0.5}, int8 wz = {0}>
{
  wq = QuantizeLinear(w, ws, wz)
  wd = DequantizeLinear(wq, ws, wz)
  [product] r = MatMul(x, wd)
  rq = QuantizeLinear(r, scale, zero)
  rd = DequantizeLinear(rq, scale, zero)
  [shown] y_QuantizeInput = Reshape<allowzero=0>(rd, s)
  yq = QuantizeLinear(y_QuantizeInput, scale, zero)
  y = DequantizeLinear(yq, scale, zero)
}"""
X = np.array([[1.0, -2.0, 3.3, 0.7]], np.float32)


def parsed(text: str) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 4]), "s"))
    return model


@pytest.fixture
def both() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    return parsed(PLAIN), parsed(ROUNDED)


def kept(both: tuple[onnx.ModelProto, onnx.ModelProto], *names: str) -> Any:
    plain, rounded = both
    every = find_pairs(Net(rounded), Net(plain))
    model = kept_in_float(rounded, every, every.named(names))
    onnx.checker.check_model(model)
    return run(model, x=X, level="ORT_DISABLE_ALL")["y"][0]


def test_as_it_is(both: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    """1 -> 1 x 1.0, 3.3 x 1.5 = 4.95 -> 5.0, 0.7 x 1.5 = 1.05 -> 1.0; below 0 is cut off."""
    np.testing.assert_allclose(kept(both), [1.0, 0.0, 5.0, 1.0])


def test_a_weight_that_the_file_holds_in_float(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    """1.1 -> 1.0, 3.3 x 1.3 = 4.29 -> 4.5, 0.7 x 1.4 = 0.98 -> 1.0."""
    np.testing.assert_allclose(kept(both, "wd"), [1.0, 0.0, 4.5, 1.0])


def test_a_relu_that_took_its_place_in_the_range_is_back(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    """And the copy that a Reshape shows is not rounded again."""
    np.testing.assert_allclose(kept(both, "r"), [1.0, 0.0, 4.95, 1.05], rtol=1e-6)


def test_without_its_twin_the_range_says_what_is_cut_off(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    """Nothing of another name is known of the float model: 0 is the end of the bytes."""
    plain, rounded = both
    for node in plain.graph.node:
        node.output[:] = [name.replace("r", "other") for name in node.output]
        node.input[:] = [name.replace("r", "other") for name in node.input]
    np.testing.assert_allclose(kept((plain, rounded), "r"), [1.0, 0.0, 4.95, 1.05], rtol=1e-6)


def test_the_operators_of_a_set_are_called_as_in_the_float_model(
    both: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    plain, rounded = both
    every = find_pairs(Net(rounded), Net(plain))
    assert every.named(["wd"])[0].nodes == ("product",)
    assert set(every.named(["r"])[0].nodes) == {"product", "relu", "shown"}
