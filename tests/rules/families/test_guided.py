"""Guided backpropagation through every spelling of a rectifier, against torch's own backward.

The oracle is what Springenberg et al. 2015 write: a hook on the ReLU that lets through what is
positive of what autograd gives it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch

from tests.gradients import gradients

X = np.array([-1.5, -1.5, 2.0, 2.0, 0.0, 0.0, 7.0, 7.0], np.float32)
COT = np.array([3.0, -3.0, 3.0, -3.0, 3.0, -3.0, 3.0, -3.0], np.float32)


def net(body: str, opset: int = 17) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> net (float[8] x) => (float[8] y) '
        "<float zero = {0.0}, float six = {6.0}, float half = {0.5}, float[1] none = {0.0}, "
        f"float[1] some = {{0.25}}> {{ {body} }}"
    )


def guided(model: onnx.ModelProto, x: Any = X, cot: Any = COT, *, on: bool = True) -> Any:
    return gradients(model, {"x": x}, cot, ["x"], guided=on)["x"]


def by_torch(rectifier: torch.nn.Module) -> Any:
    """What autograd passes back through a module whose cotangent a hook has rectified."""
    x = torch.tensor(X, requires_grad=True)
    y = rectifier(x)
    y.register_hook(lambda gy: gy.clamp(min=0))
    y.backward(torch.tensor(COT))
    assert x.grad is not None
    return x.grad.numpy()


RELU = [  # body, opset
    ("y = Relu(x)", 17),
    ("y = Clip(x, zero)", 17),
    ("y = Clip<min = 0.0>(x)", 9),
    ("y = Max(x, zero)", 17),
    ("y = Max(none, x)", 17),
    ("c = Greater(x, zero) y = Where(c, x, zero)", 17),
    ("c = GreaterOrEqual(x, zero) y = Where(c, x, none)", 17),
    ("c = Less(zero, x) y = Where(c, x, zero)", 17),
    ("c = Less(x, zero) y = Where(c, zero, x)", 17),
    ("c = LessOrEqual(x, zero) y = Where(c, zero, x)", 17),
    ("c = Greater(x, zero) m = Cast<to = 1>(c) y = Mul(x, m)", 17),
    ("c = Less(zero, x) m = Cast<to = 1>(c) y = Mul(m, x)", 17),
    ("y = PRelu(x, none)", 17),
    ("y = LeakyRelu<alpha = 0.0>(x)", 17),
    ("y = ThresholdedRelu<alpha = 0.0>(x)", 17),
]
RELU6 = [
    ("y = Clip(x, zero, six)", 17),
    ("y = Clip<min = 0.0, max = 6.0>(x)", 9),
    ("m = Max(x, zero) y = Min(m, six)", 17),
    ("m = Min(x, six) y = Max(m, zero)", 17),
]


@pytest.mark.parametrize(("body", "opset"), RELU, ids=[f"{b} {o}" for b, o in RELU])
def test_a_relu_in_every_spelling(body: str, opset: int) -> None:
    found, expected = guided(net(body, opset)), by_torch(torch.nn.ReLU())
    at_zero = X == 0  # some spellings pass x = 0, where a ReLU has no derivative
    np.testing.assert_array_equal(found[~at_zero], expected[~at_zero])
    assert np.all(found >= 0)


@pytest.mark.parametrize(("body", "opset"), RELU6, ids=[f"{b} {o}" for b, o in RELU6])
def test_a_relu6_in_every_spelling(body: str, opset: int) -> None:
    np.testing.assert_array_equal(guided(net(body, opset)), by_torch(torch.nn.ReLU6()))


OTHERS = [  # what is no rectifier, or compares something else
    *("y = LeakyRelu(x)", "y = PRelu(x, some)", "y = Elu(x)", "y = Tanh(x)", "y = Softplus(x)"),
    *("y = Clip(x, half, six)", "y = Max(x, half)", "y = Min(x, zero)", "y = Gelu(x)"),
    "s = Sigmoid(x) y = Mul(x, s)",
    "c = Greater(x, half) y = Where(c, x, zero)",
    "c = Less(x, zero) y = Where(c, x, zero)",
    "n = Neg(x) c = Greater(n, zero) y = Where(c, x, zero)",
    "c = Greater(x, zero) m = Cast<to = 1>(c) n = Neg(x) y = Mul(n, m)",
    "y = ThresholdedRelu<alpha = 0.5>(x)",
]


@pytest.mark.parametrize("body", OTHERS)
def test_what_is_no_rectifier_keeps_its_derivative(body: str) -> None:
    model = net(body, 20)
    plain = guided(model, on=False)
    assert np.any(plain < 0)
    np.testing.assert_array_equal(guided(model), plain)


FUSIONS = {
    "FusedConv": 'y = com.microsoft.FusedConv<activation = "Relu">(x, w)',
    "FusedConv with a Clip": 'y = com.microsoft.FusedConv<activation = "Clip", '
    "activation_params = [0.0, 6.0]>(x, w)",
    "Conv": "c = Conv(x, w) y = Relu(c)",
    "QuantizeLinear": "c = Conv(x, w) q = QuantizeLinear(c, scale, low) "
    "y = DequantizeLinear(q, scale, low)",
    "moved": "c = Conv(x, w) t = Transpose<perm = [1, 0, 2]>(c) q = QuantizeLinear(t, scale, low) "
    "d = DequantizeLinear(q, scale, low) y = Transpose<perm = [1, 0, 2]>(d)",
    "QLinearConv": "q = QuantizeLinear(x, half, mid) "
    "r = QLinearConv(q, half, mid, v, scale, vz, scale, low) y = DequantizeLinear(r, scale, low)",
}


@pytest.mark.parametrize("body", FUSIONS.values(), ids=FUSIONS)
def test_rectifiers_inside_other_operators(body: str) -> None:
    """One product, its rectifier, and a cotangent of both signs: what is negative is stopped."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> '
        "net (float[1, 1, 8] x) => (float[1, 1, 8] y) <float[1, 1, 1] w = {1.0}, "
        "float scale = {0.05}, float half = {0.125}, uint8 low = {0}, uint8 mid = {128}, "
        f"int8[1, 1, 1] v = {{20}}, int8 vz = {{0}}> {{ {body} }}"
    )
    x, cot = X.reshape(1, 1, 8), COT.reshape(1, 1, 8)
    found = guided(model, x, cot).ravel()
    rectifier = torch.nn.ReLU6() if "Clip" in body else torch.nn.ReLU()
    np.testing.assert_allclose(found, by_torch(rectifier), rtol=1e-6)


@pytest.mark.parametrize(
    "body",
    [
        "q = QuantizeLinear(x, scale, low)",  # a picture of bytes
        "c = Mul(x, half) q = QuantizeLinear(c, scale, low)",  # the same from 0 to 1
        "c = Sigmoid(x) q = QuantizeLinear(c, scale, low)",
        "c = Add(x, half) q = QuantizeLinear(c, scale, mid)",
    ],
)
def test_a_quantiser_alone_is_no_rectifier(body: str) -> None:
    zero = "mid" if "mid)" in body else "low"
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> net (float[8] x) => (float[8] y) '
        "<float scale = {0.05}, float half = {0.125}, uint8 low = {0}, uint8 mid = {128}> "
        f"{{ {body} y = DequantizeLinear(q, scale, {zero}) }}"
    )
    plain = guided(model, on=False)
    assert np.any(plain < 0)
    np.testing.assert_array_equal(guided(model), plain)
