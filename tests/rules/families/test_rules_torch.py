"""Elementwise operators, activations, reductions and products against torch.autograd, in float32
in onnxruntime. (Windows, normalisation, indexing and attention have torch files of their own.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.rules import VJP_RULES
from tests.gradients import gradients
from tests.paths import ROOT

torch = pytest.importorskip("torch", reason="torch is the oracle here")
F = torch.nn.functional

ABOVE_ONE = lambda x: 1.5 + np.abs(x)  # noqa: E731
POSITIVE = lambda x: 0.5 + np.abs(x)  # noqa: E731
INSIDE = lambda x: np.tanh(x) * 0.9  # noqa: E731

UNARY: dict[str, tuple[str, Callable[..., Any], Callable[..., Any] | None]] = {
    "Abs": ("Abs(x)", torch.abs, None),
    "Acos": ("Acos(x)", torch.acos, INSIDE),
    "Acosh": ("Acosh(x)", torch.acosh, ABOVE_ONE),
    "Asin": ("Asin(x)", torch.asin, INSIDE),
    "Asinh": ("Asinh(x)", torch.asinh, None),
    "Atan": ("Atan(x)", torch.atan, None),
    "Atanh": ("Atanh(x)", torch.atanh, INSIDE),
    "Celu": ("Celu<alpha=0.7>(x)", lambda x: F.celu(x, 0.7), None),
    "Cos": ("Cos(x)", torch.cos, None),
    "Cosh": ("Cosh(x)", torch.cosh, None),
    "Elu": ("Elu<alpha=0.7>(x)", lambda x: F.elu(x, 0.7), None),
    "Erf": ("Erf(x)", torch.erf, None),
    "Exp": ("Exp(x)", torch.exp, None),
    "Gelu": ("Gelu(x)", F.gelu, None),
    "Gelu, tanh": ('Gelu<approximate="tanh">(x)', lambda x: F.gelu(x, approximate="tanh"), None),
    "HardSigmoid": (
        "HardSigmoid<alpha=0.16666667, beta=0.5>(x)",
        F.hardsigmoid,
        lambda x: 3 * x,
    ),
    "HardSwish": ("HardSwish(x)", F.hardswish, lambda x: 3 * x),
    "LeakyRelu": ("LeakyRelu<alpha=0.1>(x)", lambda x: F.leaky_relu(x, 0.1), None),
    "Log": ("Log(x)", torch.log, POSITIVE),
    "LogSoftmax": ("LogSoftmax<axis=1>(x)", lambda x: F.log_softmax(x, 1), None),
    "Mish": ("Mish(x)", F.mish, None),
    "Neg": ("Neg(x)", torch.neg, None),
    "Reciprocal": ("Reciprocal(x)", torch.reciprocal, POSITIVE),
    "Relu": ("Relu(x)", torch.relu, None),
    "Selu": ("Selu(x)", F.selu, None),
    "Shrink": ("Shrink<lambd=0.5>(x)", lambda x: F.hardshrink(x, 0.5), None),
    "Sigmoid": ("Sigmoid(x)", torch.sigmoid, None),
    "Sin": ("Sin(x)", torch.sin, None),
    "Sinh": ("Sinh(x)", torch.sinh, None),
    "Softmax": ("Softmax<axis=1>(x)", lambda x: F.softmax(x, 1), None),
    "Softplus": ("Softplus(x)", F.softplus, None),
    "Softsign": ("Softsign(x)", F.softsign, None),
    "Sqrt": ("Sqrt(x)", torch.sqrt, POSITIVE),
    "Tan": ("Tan(x)", torch.tan, INSIDE),
    "Tanh": ("Tanh(x)", torch.tanh, None),
    "ThresholdedRelu": (
        "ThresholdedRelu<alpha=0.3>(x)",
        lambda x: F.threshold(x, 0.3, 0.0),
        None,
    ),
    "Clip": ("Clip(x, low, high)", lambda x: F.hardtanh(x, -0.4, 0.6), None),
    "Identity": ("Identity(x)", lambda x: x, None),
    "CumSum": ("CumSum(x, one)", lambda x: torch.cumsum(x, 1), None),
    "ReduceL1": ("ReduceL1(x, axes)", lambda x: x.norm(p=1, dim=(1, 2), keepdim=True), None),
    "ReduceL2": ("ReduceL2(x, axes)", lambda x: x.norm(p=2, dim=(1, 2), keepdim=True), None),
    "ReduceLogSum": (
        "ReduceLogSum(x, axes)",
        lambda x: x.sum((1, 2), keepdim=True).log(),
        POSITIVE,
    ),
    "ReduceLogSumExp": (
        "ReduceLogSumExp(x, axes)",
        lambda x: torch.logsumexp(x, (1, 2), keepdim=True),
        None,
    ),
    "ReduceMax": ("ReduceMax(x, axes)", lambda x: x.amax((1, 2), keepdim=True), None),
    "ReduceMean": ("ReduceMean(x, axes)", lambda x: x.mean((1, 2), keepdim=True), None),
    "ReduceMin": ("ReduceMin(x, axes)", lambda x: x.amin((1, 2), keepdim=True), None),
    "ReduceProd": (
        "ReduceProd(x, axes)",
        lambda x: x.flatten(1).prod(1)[:, None, None],
        None,
    ),
    "ReduceSum": ("ReduceSum(x, axes)", lambda x: x.sum((1, 2), keepdim=True), None),
    "ReduceSumSquare": (
        "ReduceSumSquare(x, axes)",
        lambda x: (x * x).sum((1, 2), keepdim=True),
        None,
    ),
}

BINARY: dict[str, tuple[str, Callable[..., Any], Callable[..., Any] | None]] = {
    "Add": ("Add(x, z)", torch.add, None),
    "Sub": ("Sub(x, z)", torch.sub, None),
    "Mul": ("Mul(x, z)", torch.mul, None),
    "Div": ("Div(x, z)", torch.div, POSITIVE),
    "Pow": ("Pow(x, z)", torch.pow, POSITIVE),
    "Max": ("Max(x, z)", torch.maximum, None),
    "Min": ("Min(x, z)", torch.minimum, None),
    "Mean": ("Mean(x, z)", lambda x, z: (x + z) / 2, None),
    "Sum": ("Sum(x, z)", torch.add, None),
    "Mod": ("Mod<fmod=1>(x, z)", torch.fmod, POSITIVE),
    "Where": ("Where(mask, x, z)", lambda x, z: torch.where(MASK, x, z), None),
    "PRelu": ("PRelu(x, z)", lambda x, z: torch.where(x > 0, x, x * z), None),
    "MatMul": ("MatMul(x, z)", torch.matmul, None),
    "Gemm": ("Gemm(xf, zf)", lambda x, z: x.reshape(6, 4) @ z.reshape(4, 6), None),
}

MASK = torch.tensor(np.arange(24).reshape(2, 3, 4) % 3 > 0)
OPSET = 22
CONSTANTS = {
    "axes": np.array([1, 2]),
    "one": np.array(1),
    "low": np.array(-0.4, np.float32),
    "high": np.array(0.6, np.float32),
    "mask": MASK.numpy(),
}


def _gradients(body: str, arrays: dict[str, Any], cot: Any) -> list[Any]:
    """Cotangents of the arrays, from onnxruntime."""
    shapes = ", ".join(f"float[{','.join(map(str, a.shape))}] {n}" for n, a in arrays.items())
    views = "xf = Reshape(x, sx) zf = Reshape(z, sz)" if "xf" in body else ""
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {OPSET}]> '
        f"g ({shapes}) => (float[{','.join(map(str, cot.shape))}] y) {{ {views} y = {body} }}"
    )
    views_constants = {"sx": np.array([6, 4]), "sz": np.array([4, 6])}
    for name, value in (CONSTANTS | views_constants).items():
        if any(name in node.input for node in model.graph.node):
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return list(gradients(model, arrays, cot, arrays).values())


def _check(body: str, function: Callable[..., Any], arrays: dict[str, Any], rng: Any) -> None:
    tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays.values()]
    y = function(*tensors)
    cot = rng.normal(size=y.shape).astype(np.float32)
    expected = torch.autograd.grad(y, tensors, torch.tensor(cot, dtype=torch.float64))
    for found, wanted in zip(_gradients(body, arrays, cot), expected, strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", UNARY)
def test_one_input(name: str, rng: np.random.Generator) -> None:
    body, function, domain = UNARY[name]
    x = rng.normal(size=(2, 3, 4))
    x = x if domain is None else domain(x)
    _check(body, function, {"x": x.astype(np.float32)}, rng)


@pytest.mark.parametrize("name", BINARY)
def test_two_inputs(name: str, rng: np.random.Generator) -> None:
    body, function, domain = BINARY[name]
    x, z = rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 1))
    if name in ("MatMul", "Gemm"):
        z = rng.normal(size=(2, 4, 3))
    x, z = (x, z) if domain is None else (domain(x), domain(z))
    _check(body, function, {"x": x.astype(np.float32), "z": z.astype(np.float32)}, rng)


ELSEWHERE = {
    "normalisation": "test_normalisation_torch.py",
    "convolution": "test_spatial_torch.py",
    "pooling": "test_spatial_torch.py",
    "maxpool": "test_spatial_torch.py",
    "resize": "test_spatial_torch.py",
    "shape": "test_indexing_torch.py",
    "slicing": "test_indexing_torch.py",
    "index": "test_indexing_torch.py",
    "scatter": "test_indexing_torch.py",
    "einsum": "test_indexing_torch.py",
    "attention": "test_attention_torch.py",
    "quantisation": "test_quantisation.py",
    "quantised_products": "test_quantised_operators.py",
    "qlinear": "test_quantised_operators.py",
    "packed": "test_quantised_weights.py",
    "through": "test_spelled_out.py",
    "composite": "test_composites.py",
    "recurrent": "test_recurrent_torch.py",
    "branches": "test_recurrent_torch.py",
    "loops": "test_recurrent_torch.py",
    "sampling": "test_operators_torch.py",
    "regions": "cases_regions.py",
    "fourier": "cases_fourier.py",
    "products": "cases_products.py",
    "losses": "cases_losses.py",
    "fused": "test_fused_saved.py",
    "fused_activation": "test_fused_saved.py",
    "fused_norms": "test_fused_transformers.py",
    "contrib_attention": "test_fused_transformers.py",
    "contrib_grouped": "fused_attention.py",
    "contrib_rotary": "fused_attention.py",
}
"""Families whose operators meet torch, or another oracle, in a file of their own."""
WITHOUT_TORCH = {
    "Cast": "changes the type only",
    "CastLike": "changes the type only",
    "Dropout": "the identity in inference",
    "ImageScaler": "an operator of the oldest exporters",
    "Swish": "opset 24 only; its formula is SiLU's, in test_composites.py",
}


def test_every_rule_of_these_families_meets_torch() -> None:
    covered = {name.partition(",")[0] for name in UNARY} | set(BINARY)
    missing = [
        name
        for (domain, name), rule in VJP_RULES.items()
        if domain == ""
        and rule.function.__module__.rpartition(".")[2] not in ELSEWHERE
        and name not in covered | set(WITHOUT_TORCH)
    ]
    assert not missing
    assert set(ELSEWHERE.values()) <= {path.name for path in (ROOT / "tests").rglob("*.py")}
