"""The straight-through rules against torch's fake quantisation, and what they leave of int8 models.

At the two ends of the integer range ours are strict (see quantisation.py), so that the comparison
there is with torch's derivative times whether the integer is inside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
import torch

from tests import paths
from tests.gradients import gradients, with_gradient
from tests.sessions import open_session

MODELS = paths.DATA / "models"
RANGES = {np.int8: (-128, 127), np.uint8: (0, 255), np.int16: (-32768, 32767)}


def _gradient(model: onnx.ModelProto, x: Any, cot: Any, wanted: str = "x") -> Any:
    found = gradients(model, {"x": x}, cot, [wanted])[wanted]
    return found


def _model(
    body: str,
    shape: tuple[int, ...],
    opset: int,
    constants: dict[str, Any],
    dtype: Any = np.float32,
    extra: Sequence[onnx.TensorProto] = (),
    made: tuple[int, ...] | None = None,
) -> onnx.ModelProto:
    dims, after = (",".join(map(str, d)) for d in (shape, shape if made is None else made))
    kind = {np.float32: "float", np.float16: "float16"}[dtype]
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {opset}]> '
        f"g ({kind}[{dims}] x) => ({kind}[{after}] y) {{ {body} }}"
    )
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()
    )
    model.graph.initializer.extend(extra)
    onnx.checker.check_model(model, full_check=True)
    return model


def _inside(x: Any, s: Any, z: Any, kind: Any) -> Any:
    """Is the rounded integer strictly inside its type's range?"""
    low, high = RANGES[kind]
    rounded = np.round(x.astype(np.float64) / s) + z
    return (rounded > low) & (rounded < high)


ROUND_TRIP = "q = QuantizeLinear{a}(x, s, z) y = DequantizeLinear{a}(q, s, z)"


@pytest.mark.parametrize(
    ("kind", "zero", "opset"),
    [
        (np.int8, 0, 10),
        (np.int8, 0, 13),
        (np.uint8, 128, 13),
        (np.uint8, 0, 19),
        (np.int8, -128, 21),
        (np.int16, 0, 21),
    ],
)
def test_one_scale_is_torchs(kind: Any, zero: int, opset: int, rng: np.random.Generator) -> None:
    low, high = RANGES[kind]
    s = np.float32(0.125)
    ends = [(n - zero + d) * 0.125 for n in (low, high) for d in (-3, -0.75, -0.25, 0, 0.25, 0.75)]
    # away from 4096 and more, where 0.125 steps of a float32 leave no quarter
    x = np.concatenate([rng.uniform(-20, 40, size=50), ends]).astype(np.float32)
    cot = rng.normal(size=x.shape).astype(np.float32)
    constants = {"s": s, "z": np.array(zero, kind)}
    found = _gradient(_model(ROUND_TRIP.format(a=""), x.shape, opset, constants), x, cot)
    tensor = torch.tensor(x, requires_grad=True)
    y = torch.fake_quantize_per_tensor_affine(tensor, 0.125, zero, low, high)
    y.backward(torch.tensor(cot))
    expected = tensor.grad.numpy() * _inside(x, s, zero, kind)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert 0 < np.count_nonzero(found) < found.size


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_scale_a_channel_is_torchs(axis: int, rng: np.random.Generator) -> None:
    shape = (3, 4, 5)
    s = rng.uniform(0.01, 0.03, size=shape[axis]).astype(np.float32)
    z = rng.integers(-9, 9, size=shape[axis]).astype(np.int8)
    x = rng.normal(size=shape).astype(np.float32)
    cot = rng.normal(size=shape).astype(np.float32)
    body = ROUND_TRIP.format(a=f"<axis={axis}>")
    found = _gradient(_model(body, shape, 13, {"s": s, "z": z}), x, cot)
    tensor = torch.tensor(x, requires_grad=True)
    y = torch.fake_quantize_per_channel_affine(
        tensor, torch.tensor(s), torch.tensor(z.astype(np.int32)), axis % 3, -128, 127
    )
    y.backward(torch.tensor(cot))
    spread = [-1 if i == axis % 3 else 1 for i in range(3)]
    inside = _inside(x, s.reshape(spread), z.reshape(spread), np.int8)
    np.testing.assert_allclose(found, tensor.grad.numpy() * inside, rtol=1e-5)
    assert 0.3 < np.mean(inside) < 1


def test_a_scale_a_block(rng: np.random.Generator) -> None:
    """Dequantising the shared integer by blocks: the round trip's slope is the ratio of scales."""
    x = rng.uniform(-1, 1, size=(2, 6)).astype(np.float32)
    cot = rng.normal(size=x.shape).astype(np.float32)
    blocks = rng.uniform(0.5, 2, size=(2, 3)).astype(np.float32)
    constants = {
        "s": np.float32(0.1),
        "z": np.int8(0),
        "b": blocks,
        "bz": np.zeros((2, 3), np.int8),
    }
    body = "q = QuantizeLinear(x, s, z) y = DequantizeLinear<axis=1, block_size=2>(q, b, bz)"
    found = _gradient(_model(body, x.shape, 21, constants), x, cot)
    np.testing.assert_allclose(found, cot * np.repeat(blocks, 2, axis=1) / 0.1, rtol=1e-5)


def test_half_precision(rng: np.random.Generator) -> None:
    x = np.array([-9.0, -0.5, 0.25, 9.0], np.float16)
    cot = rng.normal(size=4).astype(np.float16)
    constants = {"s": np.float16(0.0625), "z": np.int8(0)}
    found = _gradient(_model(ROUND_TRIP.format(a=""), (4,), 19, constants, np.float16), x, cot)
    np.testing.assert_array_equal(found, cot * np.array([0, 1, 1, 0], np.float16))


def test_integers_pass_through_views_and_casts(rng: np.random.Generator) -> None:
    """Between the quantiser and what reads it the cotangent is per unit of the integer."""
    x, cot = rng.uniform(-1, 1, size=(2, 3)).astype(np.float32), rng.normal(size=(2, 3))
    body = """
        q = QuantizeLinear(x, s, z) v = Identity(q) w = Cast<to=6>(v) f = Cast<to=1>(w)
        y = Mul(f, three)
    """
    constants = {"s": np.float32(0.1), "z": np.int8(3), "three": np.float32(3)}
    model = _model(body, (2, 3), 13, constants)
    found = _gradient(model, x, cot.astype(np.float32))
    np.testing.assert_allclose(found, 30 * cot, rtol=1e-5)


def test_dynamic_quantisation_is_the_identity(rng: np.random.Generator) -> None:
    x, cot = rng.normal(size=(3, 4)).astype(np.float32), rng.normal(size=(3, 4))
    body = "q, s, z = DynamicQuantizeLinear(x) y = DequantizeLinear(q, s, z)"
    found = _gradient(_model(body, (3, 4), 13, {}), x, cot.astype(np.float32))
    np.testing.assert_allclose(found, cot, rtol=1e-5)


def test_scale_that_depends_on_the_layer(rng: np.random.Generator) -> None:
    """d(s round(x / s)) / ds = round(x / s) - x / s straight through (Esser et al. 2020, LSQ)."""
    t = np.array(0.7, np.float32)
    x = rng.uniform(-5, 5, size=(6,)).astype(np.float32)
    cot = rng.normal(size=6).astype(np.float32)
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> g (float[1] x) => (float[6] y) '
        "{ s = Squeeze(x) q = QuantizeLinear(c, s, z) y = DequantizeLinear(q, s, z) }"
    )
    constants = {"c": x, "z": np.int8(0)}
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()
    )
    found = gradients(model, {"x": t.reshape(1)}, cot, "x")["x"]
    steps = x.astype(np.float64) / t
    np.testing.assert_allclose(found, [np.sum(cot * (np.round(steps) - steps))], rtol=1e-4)


@pytest.mark.parametrize(
    ("pool", "scale", "zero"),
    [
        ("GlobalAveragePool(d)", 0.02, 0),  # its largest means saturate
        ("AveragePool<kernel_shape=[2,2]>(d)", 0.1, 0),
        ("ReduceMean<axes=[2,3]>(d)", 0.03, 0),
        ("MaxPool<kernel_shape=[2,2]>(d)", 0.1, 0),
        ("GlobalAveragePool(d)", 0.02, 9),
    ],
)
def test_what_cannot_saturate_is_not_masked(
    pool: str, scale: float, zero: int, rng: np.random.Generator
) -> None:
    """Where a mean of what is not negative is zero, its derivative is torch's all the same."""
    x = np.maximum(rng.uniform(-5, 6, size=(2, 12, 4, 4)), 0).astype(np.float32)
    x[:, ::3] = 0
    x[1, 1:4] = 9
    constants = {"s": np.float32(0.1), "z": np.uint8(0), "t": np.float32(scale)}
    constants["u"] = np.uint8(zero)
    modules: dict[str, Any] = {
        "GlobalAveragePool": lambda d: d.mean((2, 3), keepdim=True),
        "AveragePool": lambda d: torch.nn.functional.avg_pool2d(d, 2, 1),
        "ReduceMean": lambda d: d.mean((2, 3), keepdim=True),
        "MaxPool": lambda d: torch.nn.functional.max_pool2d(d, 2, 1),
    }
    inner = torch.fake_quantize_per_tensor_affine(torch.tensor(x), 0.1, 0, 0, 255)
    inner.requires_grad_()
    before = modules[re.split(r"\W", pool)[0]](inner)
    y = torch.fake_quantize_per_tensor_affine(before, scale, zero, 0, 255)
    body = f"q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) p = {pool} "
    body += "r = QuantizeLinear(p, t, u) y = DequantizeLinear(r, t, u)"
    model = _model(body, x.shape, 13, constants, made=tuple(y.shape))
    cot = rng.normal(size=tuple(y.shape)).astype(np.float32)
    below_top = (y.detach().numpy() / scale + zero < 254.5).astype(np.float32)  # strict, see above
    y.backward(torch.tensor(cot * below_top))
    assert inner.grad is not None
    expected = inner.grad.numpy()
    np.testing.assert_allclose(_gradient(model, x, cot, "d"), expected, rtol=1e-4, atol=1e-6)
    assert np.count_nonzero(expected[0, ::3])


@pytest.mark.parametrize("kind", ["Sigmoid", "Softmax"])
def test_a_result_is_read_dequantised(kind: str, rng: np.random.Generator) -> None:
    """Read before its quantiser it would be computed in floats; there is no bin below 0."""
    x = rng.normal(size=(4, 7)).astype(np.float32) * 3
    constants = {"s": np.float32(0.1), "z": np.uint8(90), "t": np.float32(1 / 256)}
    constants["u"] = np.uint8(0)
    body = f"q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) p = {kind}(d) "
    body += "r = QuantizeLinear(p, t, u) y = DequantizeLinear(r, t, u)"
    model = _model(body, x.shape, 13, constants)
    cot = rng.normal(size=x.shape).astype(np.float32)
    p = open_session(model).run(["y"], {"x": x})[0].astype(np.float64)
    g = cot * (p < 255 / 256)
    expected = g * p * (1 - p) if kind == "Sigmoid" else p * (g - (g * p).sum(-1, keepdims=True))
    found = _gradient(model, x, cot, "d")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "zero", "kind"),
    [(0, 6, 0, np.uint8), (0, 6, -40, np.int8), (-2, 2, 128, np.uint8), (0, None, 0, np.uint8)],
)
def test_bounds_before_a_quantiser(
    low: float, high: float | None, zero: int, kind: Any, rng: np.random.Generator
) -> None:
    """A Clip's own cut-offs hold, and so do the quantiser's, whichever is tighter."""
    s = np.float32(6 / 255)
    x = rng.uniform(-9, 9, size=400).astype(np.float32)
    constants = {"s": s, "z": kind(zero), "low": np.float32(low)}
    constants |= {} if high is None else {"high": np.float32(high)}
    clip = "Relu(x)" if high is None else "Clip(x, low, high)"
    body = f"c = {clip} q = QuantizeLinear(c, s, z) y = DequantizeLinear(q, s, z)"
    found = _gradient(_model(body, x.shape, 13, constants), x, np.ones_like(x))
    kept = np.clip(x, low, high)
    expected = (x > low) & (x < (high or np.inf)) & _inside(kept, s, zero, kind)
    sure = np.abs(x - low) > s  # half a step above its zero a Relu's lowest bin is off
    np.testing.assert_allclose(found[sure], expected[sure], rtol=1e-5)
    assert 0.05 < expected.mean() < 0.9


def test_relu_folded_into_the_quantiser() -> None:
    """With its zero point at the end of the range the quantiser is the ReLU."""
    x = np.array([-3.0, -0.01, 0.0, 1.0, 5.9, 6.0, 7.0], np.float32)
    constants = {"s": np.float32(6 / 255), "z": np.uint8(0)}
    found = _gradient(
        _model(ROUND_TRIP.format(a=""), (7,), 13, constants), x, np.ones(7, np.float32)
    )
    np.testing.assert_allclose(found, [0, 0, 0, 1, 1, 0, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "most"), [("FLOAT8E4M3FN", 448.0), ("FLOAT8E5M2", 57344.0), ("FLOAT8E4M3FNUZ", 240.0)]
)
def test_float8(kind: str, most: float, rng: np.random.Generator) -> None:
    """Straight through up to the largest number of the type, which saturates as a whole."""
    z = onnx.helper.make_tensor("z", getattr(onnx.TensorProto, kind), [], [0.0])
    x = np.array([0.0, 0.3, -most / 2, most / 4, -most, 1.5 * most, -2 * most, 1.2], np.float32) / 2
    model = _model(ROUND_TRIP.format(a=""), x.shape, 19, {"s": np.float32(0.5)}, extra=[z])
    cot = rng.normal(size=x.shape).astype(np.float32)
    np.testing.assert_allclose(_gradient(model, x, cot), cot * (np.abs(x) < most / 2), rtol=1e-6)


@pytest.mark.parametrize("layer", ["464_QuantizeInput", "546_QuantizeInput", "input"])
def test_integer_kernels_survive(layer: str, tmp_path: Path, rng: np.random.Generator) -> None:
    """The int8 model's forward pass is fused as before, and its output is the same bit for bit."""
    path = MODELS / "mobilenetv2-int8-qdq.onnx"
    if not path.exists():
        pytest.skip("needs the int8 MobileNetV2 of shared/data")
    model = onnx.load(path)
    full, (name,) = with_gradient(model, [layer])
    plain, explained = (
        open_session(m, optimized_model_filepath=str(tmp_path / f"{i}.onnx"))
        for i, m in enumerate((model, full))
    )
    feed = {"input": rng.normal(size=(1, 3, 224, 224)).astype(np.float32)}
    cot = np.zeros((1, 1000), np.float32)
    cot[0, 7] = 1
    expected = plain.run(None, feed)[0]
    logits, gradient = explained.run(["output", name], feed | {"cot": cot})
    np.testing.assert_array_equal(logits, expected)
    assert 0 < float(np.linalg.norm(gradient)) < np.inf
    before, after = (
        Counter(n.op_type for n in onnx.load(tmp_path / f"{i}.onnx").graph.node) for i in range(2)
    )
    integer = [op for op in before if op.startswith("QLinear")]
    assert {op: after[op] for op in integer} == {op: before[op] for op in integer}
    assert before["QLinearConv"] == 52
