"""Attention and rotary embedding against torch, which has its own of both."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch.nn.functional import scaled_dot_product_attention

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.emit import Emitter
from cam_core.errors import UnsupportedOpError
from tests.gradients import with_gradient

KINDS = {"float16": "float16", "float32": "float", "float64": "double", "bool": "bool"}
KINDS |= {"int64": "int64"}
ROW_WITHOUT_KEYS = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], bool)


def _both(body: str, values: dict[str, Any], cot: Any, wanted: list[str]) -> Any:
    """(the model with `cot` and one gradient a wanted input, the gradients' names)."""
    parameters = ", ".join(
        f"{KINDS[v.dtype.name]}[{','.join(map(str, v.shape))}] {k}" for k, v in values.items()
    )
    kind = KINDS[cot.dtype.name]
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 23]> g ({parameters}) => '
        f"({kind}[{','.join(map(str, cot.shape))}] y) {{ {body} }}"
    )
    return with_gradient(model, wanted)


def _gradients(body: str, values: dict[str, Any], cot: Any, wanted: list[str]) -> dict[str, Any]:
    model, names = _both(body, values, cot, wanted)
    found = ReferenceEvaluator(model).run(names, values | {"cot": cot})
    return dict(zip(wanted, found, strict=True))


def _qkv(rng: np.random.Generator, kv_heads: int = 4, keys: int = 5) -> dict[str, Any]:
    shapes = {"q": (2, 4, 3, 6), "k": (2, kv_heads, keys, 6), "v": (2, kv_heads, keys, 7)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


CASES = [
    ("plain", "", {}, {}),
    ("scale", "scale=0.25", {}, {"scale": 0.25}),
    ("causal", "is_causal=1", {"keys": 3}, {"is_causal": True}),
    ("causal, more keys", "is_causal=1", {}, {"is_causal": True}),
    ("grouped", "", {"kv_heads": 2}, {"enable_gqa": True}),
    ("one head of keys", "", {"kv_heads": 1}, {"enable_gqa": True}),
]


@pytest.mark.parametrize(("note", "attributes", "sizes", "options"), CASES, ids=lambda c: str(c))
def test_attention_equals_torch(
    note: str,
    attributes: str,
    sizes: dict[str, int],
    options: dict[str, Any],
    rng: np.random.Generator,
) -> None:
    values = _qkv(rng, **sizes)
    tensors = {name: torch.tensor(v, requires_grad=True) for name, v in values.items()}
    y = scaled_dot_product_attention(*tensors.values(), **options)
    cot = rng.normal(size=tuple(y.shape))
    y.backward(torch.tensor(cot))
    text = f"<{attributes}>" if attributes else ""
    found = _gradients(f"y = Attention{text}(q, k, v)", values, cot, ["q", "k", "v"])
    for name, g in found.items():
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, tensors[name].grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mask", ["boolean", "added", "infinite"])
def test_mask_equals_torch(mask: str, rng: np.random.Generator) -> None:
    values = _qkv(rng)
    seen = ROW_WITHOUT_KEYS | (np.arange(3) == 1)[:, None]  # torch has NaN in a row without keys
    m = {
        "boolean": seen,
        "added": rng.normal(size=(2, 1, 3, 5)),
        "infinite": np.where(seen, 0.5, -np.inf),
    }[mask]
    wanted = ["q", "k", "v"] + (["m"] if mask == "added" else [])
    tensors = {
        n: torch.tensor(v, requires_grad=n in wanted) for n, v in (values | {"m": m}).items()
    }
    y = scaled_dot_product_attention(*tensors.values())
    cot = rng.normal(size=tuple(y.shape))
    y.backward(torch.tensor(cot))
    found = _gradients("y = Attention(q, k, v, m)", values | {"m": m}, cot, wanted)
    for name, g in found.items():
        np.testing.assert_allclose(g, tensors[name].grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("infinite", [False, True])
def test_a_row_without_keys_gives_zero(infinite: bool, rng: np.random.Generator) -> None:
    """The others are as if that row were not there."""
    values = {n: v.astype(np.float32) for n, v in _qkv(rng).items()}
    m = np.where(ROW_WITHOUT_KEYS, 0, -np.inf).astype(np.float32) if infinite else ROW_WITHOUT_KEYS
    cot = rng.normal(size=(2, 4, 3, 7)).astype(np.float32)
    found = _run("y = Attention(q, k, v, m)", values | {"m": m}, cot, ["q", "k", "v"])
    assert not found["q"][:, :, 1].any()
    kept = [0, 2]
    rest = {"q": torch.tensor(values["q"][:, :, kept])}
    rest |= {n: torch.tensor(values[n]) for n in "kv"}
    for tensor in rest.values():
        tensor.requires_grad_()
    y = scaled_dot_product_attention(*rest.values(), attn_mask=torch.tensor(m[kept]))
    y.backward(torch.tensor(cot[:, :, kept]))
    np.testing.assert_allclose(found["q"][:, :, kept], rest["q"].grad.numpy(), atol=2e-6)
    np.testing.assert_allclose(found["k"], rest["k"].grad.numpy(), atol=2e-6)
    np.testing.assert_allclose(found["v"], rest["v"].grad.numpy(), atol=2e-6)


def _run(body: str, values: dict[str, Any], cot: Any, wanted: list[str]) -> dict[str, Any]:
    """The same in onnxruntime."""
    import onnxruntime as ort

    model, names = _both(body, values, cot, wanted)
    onnx.checker.check_model(model, full_check=True)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(wanted, session.run(names, values | {"cot": cot}), strict=True))


def test_half_precision_takes_the_softmax_in_single(rng: np.random.Generator) -> None:
    values = _qkv(rng)
    tensors = {name: torch.tensor(v, requires_grad=True) for name, v in values.items()}
    y = scaled_dot_product_attention(*tensors.values())
    cot = rng.normal(size=tuple(y.shape))
    y.backward(torch.tensor(cot))
    half = {n: v.astype(np.float16) for n, v in values.items()}
    found = _run("y = Attention(q, k, v)", half, cot.astype(np.float16), ["q", "k", "v"])
    for name, g in found.items():
        expected = tensors[name].grad.numpy()
        assert g.dtype == np.float16
        # float16 inputs are off by 5e-4 of themselves
        assert np.abs(g - expected).max() < 3e-3 * np.abs(expected).max()


@pytest.mark.parametrize("output", ["key", "scores"])
def test_other_outputs_on_the_path_are_refused(output: str) -> None:
    sizes = "float[1,2,3,4] q, float[1,2,3,4] k, float[1,2,3,4] v"
    cache = ", float[1,2,1,4] a, float[1,2,1,4] b"
    read = {"key": "key", "scores": "scores"}[output]
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 23]> g ({sizes}{cache}) => (float y) {{ '
        f"o, key, value, scores = Attention(q, k, v,, a, b) y = ReduceSum({read}) }}"
    )
    op = Emitter(prepare(onnx.shape_inference.infer_shapes(model)))
    y = op.graph.tensors["y"]
    with pytest.raises(UnsupportedOpError, match="Attention where its second output"):
        reverse(op, y, gs.Variable("cot", np.float32, y.shape), ["k"])


def test_a_mask_of_fewer_columns_is_refused() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 24]> g (float[1,2,3,4] q, float[1,2,5,4] k, '
        "float[1,2,5,4] v, float[3,4] m) => (float[1,2,3,4] y) { y = Attention(q, k, v, m) }"
    )
    op = Emitter(prepare(model))
    y = op.graph.tensors["y"]
    with pytest.raises(UnsupportedOpError, match="4 columns for 5 keys"):
        reverse(op, y, gs.Variable("cot", np.float32, y.shape), ["q"])


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotation_equals_complex_numbers(interleaved: int, rng: np.random.Generator) -> None:
    """A rotation by the angle is a product with exp(i angle)."""
    angles = rng.normal(size=(2, 3, 4))
    x = rng.normal(size=(2, 5, 3, 8))
    cot = rng.normal(size=x.shape).astype(np.float32)
    given = torch.tensor(x, requires_grad=True)
    turn = torch.polar(torch.ones(2, 1, 3, 4, dtype=torch.float64), torch.tensor(angles)[:, None])
    if interleaved:
        pairs = given.unflatten(-1, (4, 2))
        turned = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * turn).flatten(-2)
    else:
        turned = torch.complex(given[..., :4], given[..., 4:]) * turn
        turned = torch.cat([turned.real, turned.imag], -1)
    turned.backward(torch.tensor(cot, dtype=torch.float64))
    values = {"x": x, "c": np.cos(angles), "s": np.sin(angles)}
    values = {n: v.astype(np.float32) for n, v in values.items()}
    body = f"y = RotaryEmbedding<interleaved={interleaved}>(x, c, s)"
    found = _run(body, values, cot, ["x"])["x"]
    np.testing.assert_allclose(found, given.grad.numpy(), atol=1e-6)
