"""Where a derivative jumps, the rules do as torch does; Clip, and Max or Min with a constant, are
strict as relu6 is (torch 2.13's clamp is not, and later versions are)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tests.gradients import gradients

Torch = Callable[..., torch.Tensor]

TINY = 1e-40
AROUND = [-1.0, -TINY, 0.0, TINY, 1.0]
SIX = [-1.0, 0.0, 1e-9, 3.0, 6.0, 6.5]
THREE = [-3.5, -3.0, -2.9, 0.0, 2.9, 3.0, 3.5]
TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, 0.0]]
ZEROS = [[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]

ROWS: list[tuple[str, list[Any], Torch, str]] = [
    ("y = Relu(x)", [AROUND], torch.relu, "relu"),
    ("y = Clip(x, zero, six)", [SIX], F.relu6, "relu6"),
    ("y = Clip(x, zero, six)", [SIX], lambda x: F.hardtanh(x, 0.0, 6.0), "hardtanh"),
    ("y = Clip(x, zero)", [AROUND], torch.relu, "clip at 0"),
    ("y = Max(x, zero)", [AROUND], torch.relu, "max with a constant"),
    (
        "r = Max(x, zero) y = Min(r, six)",
        [SIX],
        F.relu6,
        "max and min with constants",
    ),
    ("y = LeakyRelu<alpha=0.1>(x)", [AROUND], lambda x: F.leaky_relu(x, 0.1), "leaky_relu"),
    ("y = PRelu(x, b)", [AROUND, [0.3]], F.prelu, "prelu"),
    ("y = Elu<alpha=0.5>(x)", [AROUND], lambda x: F.elu(x, 0.5), "elu"),
    ("y = Selu(x)", [AROUND], F.selu, "selu"),
    ("y = Celu<alpha=0.5>(x)", [AROUND], lambda x: F.celu(x, 0.5), "celu"),
    ("y = HardSwish(x)", [THREE], F.hardswish, "hardswish"),
    ("y = HardSigmoid<alpha=0.16666667>(x)", [THREE], F.hardsigmoid, "hardsigmoid"),
    ("y = ThresholdedRelu<alpha=1.0>(x)", [AROUND], lambda x: F.threshold(x, 1.0, 0.0), "edge"),
    ("y = Shrink<lambd=1.0>(x)", [AROUND], lambda x: F.hardshrink(x, 1.0), "hardshrink"),
    ("y = Shrink<lambd=1.0, bias=1.0>(x)", [AROUND], lambda x: F.softshrink(x, 1.0), "softshrink"),
    ("y = Softsign(x)", [AROUND], F.softsign, "softsign"),
    ("y = Abs(x)", [AROUND], torch.abs, "abs"),
    ("y = Sign(x) z = Mul(y, x) y2 = Add(z, x)", [AROUND], lambda x: x.sign() * x + x, "sign"),
    ("y = Max(x, b)", [TIES[0], TIES[1]], torch.maximum, "maximum"),
    ("y = Min(x, b)", [TIES[0], TIES[1]], torch.minimum, "minimum"),
    ("y = Max(x, x)", [AROUND], lambda x: torch.maximum(x, x), "maximum with itself"),
    ("y = ReduceMax<axes=[1]>(x)", [TIES], lambda x: x.amax(1, keepdim=True), "amax"),
    ("y = ReduceMin<axes=[1], keepdims=0>(x)", [TIES], lambda x: x.amin(1), "amin"),
    ("y = ReduceMax<keepdims=0>(x)", [TIES], torch.max, "max over all"),
    ("y = ReduceL2<axes=[1]>(x)", [ZEROS], lambda x: x.norm(dim=1, keepdim=True), "norm"),
    ("y = ReduceL1<axes=[1]>(x)", [ZEROS], lambda x: x.norm(p=1, dim=1, keepdim=True), "1-norm"),
    ("y = ReduceProd<axes=[1]>(x)", [ZEROS], lambda x: x.prod(1, keepdim=True), "prod"),
    ("y = Sqrt(x)", [[0.0, 4.0]], torch.sqrt, "sqrt"),
    ("y = Pow(x, zero)", [AROUND], lambda x: x.pow(0.0), "power 0"),
    ("y = Pow(x, b)", [[0.0, 0.0, 2.0, 2.0], [0.0, 1.0, 0.0, 3.0]], torch.pow, "powers"),
    ("y = Pow(x, half)", [[0.0, 4.0]], lambda x: x.pow(0.5), "root"),
    ("y = Mod<fmod=1>(x, b)", [[-3.0, 3.0, 4.5], [1.0, 1.5, 1.5]], torch.fmod, "fmod"),
    ("y = Gelu(x)", [[-30.0, 0.0, 30.0]], F.gelu, "gelu, far out"),
    ("y = Softplus(x)", [[-90.0, 0.0, 90.0]], F.softplus, "softplus, far out"),
    ("y = Mish(x)", [[-90.0, 0.0, 90.0]], F.mish, "mish, far out"),
    ("y = Elu(x)", [[-200.0, 200.0]], F.elu, "elu, far out"),
    (
        "y = ReduceLogSumExp<axes=[0], keepdims=0>(x)",
        [[-200.0, 200.0]],
        lambda x: x.logsumexp(0),
        "far apart",
    ),
    ("y = Softmax(x)", [[-200.0, 200.0, 199.0]], lambda x: x.softmax(0), "softmax, far apart"),
]
OPSETS = {"Gelu": 20, "Mish": 18, "Clip<": 9}


def _gradients(body: str, arrays: list[Any], cot: Any, *, guided: bool = False) -> list[Any]:
    """Cotangents of x (and b) in onnxruntime."""
    names = ("x", "b")[: len(arrays)]
    opset = next((v for op, v in OPSETS.items() if op in body), 17)
    kind = "float16" if arrays[0].dtype == np.float16 else "float"
    declared = ", ".join(
        f"{kind}[{','.join(map(str, a.shape))}] {n}" for n, a in zip(names, arrays, strict=True)
    )
    last = "y2" if "y2" in body else "y"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g ({declared}) => ({kind}[?] {last}) '
        f"<float zero = {{0}}, float six = {{6}}, float half = {{0.5}}> {{ {body} }}"
    )
    elem = onnx.helper.np_dtype_to_tensor_dtype(cot.dtype)
    y = onnx.helper.make_tensor_value_info(last, elem, cot.shape)
    model.graph.output[0].CopyFrom(y)
    feed = dict(zip(names, arrays, strict=True))
    return list(gradients(model, feed, cot, names, guided=guided).values())


@pytest.mark.parametrize(
    ("body", "values", "function"), [row[:3] for row in ROWS], ids=[row[3] for row in ROWS]
)
def test_kink_is_torchs(
    body: str, values: list[Any], function: Torch, rng: np.random.Generator
) -> None:
    arrays = [np.array(v, np.float32) for v in values]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = function(*tensors)
    cot = rng.uniform(0.5, 1.5, size=y.shape).astype(np.float32)
    y.backward(torch.tensor(cot))
    for found, tensor in zip(_gradients(body, arrays, cot), tensors, strict=True):
        assert tensor.grad is not None
        np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("body", ["y = Sqrt(x)", "y = Pow(x, half)", "y = ReduceL2<axes=[0]>(x)"])
def test_no_nan_where_nothing_arrives(body: str) -> None:
    """A norm below its guard: the cotangent is 0 where the derivative is infinite."""
    x = np.zeros(1, np.float32)
    assert _gradients(body, [x], np.zeros(1, np.float32))[0] == 0


def test_bound_that_float16_has_not() -> None:
    """1.2 is no float16: the output at the bound is not compared with the rounded bound."""
    x = np.array([-1.0, 0.0, 0.5, 1.1, 1.25, 3.0], np.float16)
    found = _gradients("y = Clip<min=0.0, max=1.2>(x)", [x], np.ones(6, np.float16))[0]
    np.testing.assert_array_equal(found, [0, 0, 1, 1, 0, 0])


def test_three_rivals_share_a_tie() -> None:
    x = np.array([1.0, 2.0, 0.5], np.float32)
    b = np.array([1.0, 1.0, -1.0], np.float32)
    cot = np.ones(3, np.float32)
    of_x, of_b = _gradients("y = Max(x, b, x, half)", [x, b], cot)
    np.testing.assert_allclose(of_x, [2 / 3, 1, 0], rtol=1e-6)
    np.testing.assert_allclose(of_b, [1 / 3, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("body", ["y = Relu(x)", "y = Clip(x, zero, six)"])
def test_guided_passes_what_is_positive_twice(body: str) -> None:
    """Springenberg et al. 2015: where the ReLU is on and the cotangent is positive."""
    x = np.array([-1.0, -1.0, 2.0, 2.0, 0.0], np.float32)
    cot = np.array([3.0, -3.0, 3.0, -3.0, 3.0], np.float32)
    np.testing.assert_array_equal(_gradients(body, [x], cot, guided=True)[0], [0, 0, 3, 0, 0])


@pytest.mark.parametrize("body", ["y = LeakyRelu(x)", "y = Clip(x, half, six)", "y = Tanh(x)"])
def test_guided_leaves_other_activations_alone(body: str) -> None:
    x = np.array([-1.0, 2.0, 0.7], np.float32)
    cot = np.array([-1.0, -2.0, 3.0], np.float32)
    plain = _gradients(body, [x], cot)[0]
    np.testing.assert_array_equal(_gradients(body, [x], cot, guided=True)[0], plain)
