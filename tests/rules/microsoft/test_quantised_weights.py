"""Weights of few bits, and the quantised operators of transformers, against NumPy and torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from backends.onnx.reading.prepare import prepare
from cam_core.errors import UnsupportedOpError
from tests.gradients import with_gradient
from tests.sessions import open_session

MS = "com.microsoft"


def _run(
    node: Any, feed: dict[str, Any], fixed: dict[str, Any], shape: Any, opset: int = 17
) -> Any:
    """(y, the cotangent of the first input, its cotangent in), by onnxruntime."""

    def info(name: str, kind: Any, dims: Any) -> Any:
        elem = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return helper.make_tensor_value_info(name, elem, dims)

    weights = [
        v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v, n)
        for n, v in fixed.items()
    ]
    nodes = node if isinstance(node, list) else [node]
    inputs = [info(n, v.dtype, v.shape) for n, v in feed.items()]
    kind = next(v.dtype for v in feed.values()) if len(feed) == 1 else np.float32
    kind = np.float32 if np.issubdtype(kind, np.integer) else kind
    graph = helper.make_graph(nodes, "g", inputs, [info("y", kind, shape)], weights)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MS, 1)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opsets)
    graph = prepare(model)
    assert tuple(graph.outputs[0].shape) == tuple(shape)
    full, names = with_gradient(graph, [next(iter(feed))])
    given = np.random.default_rng(1).normal(size=shape).astype(kind)
    return *open_session(full).run(["y", *names], feed | {"cot": given}), given


def _pack(q: Any, bits: int) -> Any:
    """Numbers along the last axis, the first in the lowest bits of its byte."""
    each = 8 // bits
    q = np.pad(q, [*[(0, 0)] * (q.ndim - 1), (0, -q.shape[-1] % each)])
    packed = np.zeros((*q.shape[:-1], q.shape[-1] // each), np.uint8)
    for i in range(q.shape[-1]):
        packed[..., i // each] |= (q[..., i] << (bits * (i % each))).astype(np.uint8)
    return packed


@pytest.mark.parametrize(
    ("bits", "zeros"),
    [(4, "none"), (4, "packed"), (4, "float"), (8, "none"), (8, "packed"), (2, "packed")],
)
@pytest.mark.parametrize(("depth", "kind"), [(48, np.float32), (64, np.float16)])
def test_weights_of_few_bits(
    bits: int, zeros: str, depth: int, kind: Any, rng: np.random.Generator
) -> None:
    columns, size = 6, 16
    blocks = depth // size
    q = rng.integers(0, 2**bits, size=(columns, blocks, size))
    z = rng.integers(0, 2**bits, size=(columns, blocks))
    scales = rng.uniform(0.01, 0.02, size=(columns, blocks)).astype(kind)
    fixed = {
        "b": _pack(q, bits),
        "s": scales.reshape(-1),
        "c": rng.normal(size=columns).astype(kind),
    }
    if zeros == "packed":
        fixed["z"] = _pack(z, bits).reshape(-1)
    elif zeros == "float":
        fixed["z"] = z.astype(kind).reshape(-1)
    middle = z if zeros != "none" else np.full_like(z, 2 ** (bits - 1))
    w = (q - middle[..., None]) * scales.astype(np.float64)[..., None]
    w = w.reshape(columns, depth)
    reads = ["a", "b", "s", "z" if zeros != "none" else "", "", "c"]
    node = helper.make_node(
        "MatMulNBits", reads, ["y"], domain=MS, K=depth, N=columns, bits=bits, block_size=size
    )
    a = rng.normal(size=(2, 3, depth)).astype(kind)
    y, found, cot = _run(node, {"a": a}, fixed, (2, 3, columns))
    digits = 1e-4 if kind == np.float32 else 2e-2
    expected = a.astype(np.float64) @ w.T + fixed["c"]
    np.testing.assert_allclose(y, expected, atol=2 * digits * np.abs(expected).max())
    np.testing.assert_allclose(found, cot.astype(np.float64) @ w, rtol=digits, atol=digits)


def test_rows_grouped_anew_are_refused(rng: np.random.Generator) -> None:
    fixed = {"b": np.zeros((6, 1, 8), np.uint8), "s": np.ones(6, np.float32)}
    fixed["g"] = np.zeros(16, np.int32)
    node = helper.make_node(
        "MatMulNBits", ["a", "b", "s", "", "g"], ["y"], domain=MS, K=16, N=6, block_size=16
    )
    with pytest.raises(UnsupportedOpError, match="MatMulNBits where its rows are grouped anew"):
        _run(node, {"a": rng.normal(size=(2, 16)).astype(np.float32)}, fixed, (2, 6))


@pytest.mark.parametrize("kind", ["INT4", "UINT4"])
def test_blocks_of_four_bits(kind: str, rng: np.random.Generator) -> None:
    """The standard form of W4 models: DequantizeLinear by blocks before a MatMul."""
    low = -8 if kind == "INT4" else 0
    q, z = rng.integers(low, low + 16, size=(8, 6)), rng.integers(low, low + 16, size=(2, 6))
    s = rng.uniform(0.1, 0.2, size=(2, 6)).astype(np.float32)
    elem = getattr(onnx.TensorProto, kind)
    fixed = {
        "q": helper.make_tensor("q", elem, q.shape, q.ravel()),
        "s": s,
        "z": helper.make_tensor("z", elem, z.shape, z.ravel()),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0, block_size=4),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    a = rng.normal(size=(3, 8)).astype(np.float32)
    y, found, cot = _run(nodes, {"a": a}, fixed, (3, 6), opset=21)
    w = (q - np.repeat(z, 4, axis=0)) * np.repeat(s, 4, axis=0)
    np.testing.assert_allclose(y, a @ w, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found, cot @ w.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["INT4", "UINT4"])
def test_activations_of_four_bits(kind: str, rng: np.random.Generator) -> None:
    low, zero = (-8, -2) if kind == "INT4" else (0, 5)
    x = rng.uniform(-6, 6, size=200).astype(np.float32)
    elem = getattr(onnx.TensorProto, kind)
    fixed = {"s": np.array(0.5, np.float32), "z": helper.make_tensor("z", elem, [], [zero])}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    _, found, cot = _run(nodes, {"x": x}, fixed, (200,), opset=21)
    steps = np.rint(x / 0.5) + zero
    np.testing.assert_allclose(found, cot * ((steps > low) & (steps < low + 15)), rtol=1e-6)


def test_microsofts_quantisers(rng: np.random.Generator) -> None:
    """Of 16 bits, at an opset where the standard ones have none, a scale a channel."""
    x = rng.normal(size=(3, 4)).astype(np.float32) * 10
    fixed = {"s": np.array([1e-4, 1e-3, 1e-2, 1.0], np.float32), "z": np.full(4, 9, np.int16)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], domain=MS, axis=1),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], domain=MS, axis=1),
    ]
    y, found, cot = _run(nodes, {"x": x}, fixed, (3, 4))
    steps = np.rint(x.astype(np.float64) / fixed["s"]) + 9
    inside = (steps > -32768) & (steps < 32767)
    np.testing.assert_allclose(y[inside], ((steps - 9) * fixed["s"])[inside], rtol=1e-5)
    np.testing.assert_allclose(found, cot * inside, rtol=1e-5)
    assert 0 < inside.sum() < inside.size


@pytest.mark.parametrize("mask", ["none", "lengths", "causal"])
def test_attention_of_a_quantised_product(mask: str, rng: np.random.Generator) -> None:
    """In torch: softmax(Q K^T / sqrt(d)) V of x W + b with both dequantised."""
    heads, size, tokens = 2, 4, 5
    width = heads * size
    x = rng.integers(0, 256, size=(2, tokens, width), dtype=np.uint8)
    w = rng.integers(-128, 128, size=(width, 3 * width)).astype(np.int8)
    fixed = {
        "w": w,
        "b": rng.normal(size=3 * width).astype(np.float32),
        "xs": np.array(0.02, np.float32),
        "ws": np.array(0.01, np.float32),
        "xz": np.array(120, np.uint8),
        "wz": np.array(0, np.int8),
    }
    lengths = np.array([3, 5], np.int32)
    if mask == "lengths":
        fixed["m"] = lengths
    reads = ["x", "w", "b", "xs", "ws", "m" if mask == "lengths" else "", "xz", "wz"]
    node = helper.make_node(
        "QAttention", reads, ["y"], domain=MS, num_heads=heads, unidirectional=int(mask == "causal")
    )
    y, found, cot = _run(node, {"x": x}, fixed, (2, tokens, width))
    real = torch.tensor((x.astype(np.float64) - 120) * 0.02, requires_grad=True)
    projected = real @ torch.tensor(w * 0.01) + torch.tensor(fixed["b"]).double()
    q, k, v = (t.unflatten(2, (heads, size)).transpose(1, 2) for t in projected.chunk(3, dim=2))
    scores = q @ k.transpose(2, 3) / size**0.5
    positions = torch.arange(tokens)
    if mask == "lengths":
        hidden = (positions >= torch.tensor(lengths)[:, None])[:, None, None]
        scores = scores.masked_fill(hidden, -torch.inf)
    elif mask == "causal":
        scores = scores.masked_fill(positions[None] > positions[:, None], -torch.inf)
    expected = (torch.softmax(scores, 3) @ v).transpose(1, 2).flatten(2)
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=2e-3)
    expected.backward(torch.tensor(cot).double())
    assert real.grad is not None
    np.testing.assert_allclose(found, real.grad.numpy() * 0.02, rtol=1e-3, atol=1e-5)


def test_a_quantised_embedding(rng: np.random.Generator) -> None:
    """Nothing of it is differentiated: what follows finds its shape, and its values are right."""
    ids = np.array([[1, 3, 2, 1], [0, 2, 2, 4]], np.int32)
    tables = {"w": (6, 8), "p": (5, 8), "t": (2, 8), "g": (8,), "d": (8,)}
    fixed: dict[str, Any] = {}
    for name, shape in tables.items():
        fixed[name] = rng.integers(0, 256, size=shape, dtype=np.uint8)
        fixed[f"{name}s"] = np.array(rng.uniform(0.01, 0.02), np.float32)
        fixed[f"{name}z"] = np.array(rng.integers(100, 150), np.uint8)
    reads = ["i", "k", *tables, "", *(f"{n}s" for n in tables), *(f"{n}z" for n in tables)]
    graph = helper.make_graph(
        [
            helper.make_node(
                "QEmbedLayerNormalization", reads, ["e", "m"], domain=MS, epsilon=1e-5
            ),
            helper.make_node("Mul", ["e", "e"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info(n, onnx.TensorProto.INT32, ["N", 4]) for n in "ik"],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 4, 8])],
        [numpy_helper.from_array(v, n) for n, v in fixed.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    graph = prepare(model)
    assert graph.tensors["e"].shape == ("N", 4, 8)
    full, names = with_gradient(graph, ["e"])
    kinds = np.array([[0, 0, 1, 1], [1, 0, 1, 0]], np.int32)
    ones = np.ones((2, 4, 8), np.float32)
    y, g = open_session(full).run(["y", *names], {"i": ids, "k": kinds, "cot": ones})

    def real(name: str) -> Any:
        steps = fixed[name].astype(np.float64) - float(fixed[f"{name}z"])
        return steps * float(fixed[f"{name}s"])

    total = real("w")[ids] + real("p")[:4] + real("t")[kinds]
    centred = total - total.mean(-1, keepdims=True)
    e = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * real("g") + real("d")
    np.testing.assert_allclose(y, e**2, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(g, 2 * e, rtol=1e-3, atol=1e-4)
