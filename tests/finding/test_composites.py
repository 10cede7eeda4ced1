"""Decomposed operators: found in every spelling, differentiated right, left fused at run time."""

from __future__ import annotations

import collections
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.finding import composites
from backends.onnx.finding.composites import COMPOSITES, Composite, recognise
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from tests.differences import slope
from tests.sessions import open_session


class Spelling(NamedTuple):
    found: str
    """The operators of the graph once it is recognised."""
    note: str
    body: str
    constants: dict[str, Any] = {}  # noqa: RUF012
    fused: str = ""
    """What onnxruntime makes of it."""
    shape: tuple[int, ...] = (2, 3, 4)
    opset: int = 17
    declared: str = "N,3,4"


ERF = {"root2": 2**0.5, "inv": 0.5**0.5, "one": 1.0, "half": 0.5}
TANH = {"c": 0.044715, "k": (2 / np.pi) ** 0.5, "one": 1.0, "half": 0.5, "three": 3.0}
HARD = {"three": 3.0, "six": 6.0, "zero": 0.0, "sixth": 1 / 6, "half": 0.5, "one": 1.0}
NORM = {"two": 2.0, "eps": 1e-5, "one": 1.0, "minus": -0.5}
SCALE = {"s": np.array([0.5, 1.5, -1.0, 2.0]), "b": np.array([0.1, 0.2, 0.3, 0.4])}
PLANE = {"s": np.array([0.5, 1.5, -1]).reshape(3, 1, 1), "b": np.ones((3, 1, 1))}
CENTRE = "m = ReduceMean<axes=[-1]>(x) d = Sub(x, m) "
DEVIATION = (
    "p = Pow(d, two) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) n = Div(d, r) "
)

SPELLINGS = [
    Spelling("SiLU", "x first", "s = Sigmoid(x) y = Mul(x, s)", {}, "QuickGelu"),
    Spelling("SiLU", "x last", "s = Sigmoid(x) y = Mul(s, x)", {}, "QuickGelu"),
    Spelling(
        "SiLU", "QuickGelu", "a = Mul(x, k) s = Sigmoid(a) y = Mul(x, s)", {"k": 1.702}, "QuickGelu"
    ),
    Spelling(
        "Mul SiLU", "x is a product", "u = Mul(x, k) s = Sigmoid(u) y = Mul(u, s)", {"k": 1.702}
    ),
    Spelling(
        "SiLU Mul",
        "gate (SwiGLU)",
        "s = Sigmoid(x) a = Mul(x, s) y = Mul(a, u)",
        {"u": 3 * np.ones(4)},
    ),
    Spelling(
        "Gelu",
        "TorchScript",
        "a = Div(x, root2) e = Erf(a) p = Add(e, one) q = Mul(x, p) y = Mul(q, half)",
        ERF,
        "Gelu",
    ),
    Spelling(
        "Gelu",
        "dynamo",
        "a = Div(x, root2) e = Erf(a) p = Add(e, one) q = Mul(half, p) y = Mul(x, q)",
        ERF,
    ),
    Spelling(
        "Gelu",
        "tf2onnx",
        "h = Mul(half, x) a = Mul(x, inv) e = Erf(a) p = Add(one, e) y = Mul(h, p)",
        ERF,
    ),
    Spelling(
        "Gelu",
        "half inside",
        "a = Mul(inv, x) e = Erf(a) q = Mul(e, half) p = Add(q, half) y = Mul(p, x)",
        ERF,
    ),
    Spelling(
        "Add Gelu",
        "with a bias",
        "u = Add(bias, x) a = Div(u, root2) e = Erf(a) p = Add(e, one) q = Mul(u, p) "
        "y = Mul(q, half)",
        ERF | {"bias": np.array([0.1, 0.2, 0.3, -0.4])},
        "BiasGelu",
    ),
    Spelling(
        "Gelu",
        "tanh, Pow",
        "c3 = Pow(x, three) i = Mul(c, c3) a = Add(x, i) u = Mul(k, a) t = Tanh(u) "
        "p = Add(one, t) h = Mul(half, x) y = Mul(h, p)",
        TANH,
    ),
    Spelling(
        "Gelu",
        "tanh, Mul chain",
        "x2 = Mul(x, x) x3 = Mul(x, x2) i = Mul(x3, c) a = Add(i, x) u = Mul(a, k) t = Tanh(u) "
        "p = Add(t, one) q = Mul(p, half) y = Mul(q, x)",
        TANH,
    ),
    Spelling(
        "Gelu",
        "tanh, factored",
        "x2 = Mul(x, x) i = Mul(x2, c) a = Add(i, one) l = Mul(x, k) u = Mul(l, a) t = Tanh(u) "
        "p = Add(t, one) h = Mul(x, half) y = Mul(h, p)",
        TANH,
    ),
    Spelling(
        "HardSwish",
        "HardSigmoid",
        "h = HardSigmoid<alpha=0.16666667, beta=0.5>(x) y = Mul(x, h)",
        shape=(2, 3, 4),
    ),
    Spelling(
        "HardSwish",
        "Clip, late Div",
        "a = Add(x, three) c = Clip(a, zero, six) p = Mul(x, c) y = Div(p, six)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Clip, early Div",
        "a = Add(three, x) c = Clip(a, zero, six) p = Div(c, six) y = Mul(p, x)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Clip as attributes, Mul by 1/6",
        "a = Add(x, three) c = Clip<min=0.0, max=6.0>(a) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
        opset=9,
    ),
    Spelling(
        "HardSwish",
        "Min of Max",
        "a = Add(x, three) l = Max(zero, a) c = Min(l, six) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "Max of Min",
        "a = Add(x, three) l = Min(a, six) c = Max(l, zero) p = Mul(c, sixth) y = Mul(x, p)",
        HARD,
    ),
    Spelling(
        "HardSwish",
        "unit slope",
        "l = Div(x, six) a = Add(l, half) c = Clip(a, zero, one) y = Mul(x, c)",
        HARD,
    ),
    Spelling("Mish", "Softplus", "s = Softplus(x) t = Tanh(s) y = Mul(x, t)"),
    Spelling(
        "Mish",
        "Log of Exp",
        "e = Exp(x) p = Add(e, one) s = Log(p) t = Tanh(s) y = Mul(x, t)",
        {"one": 1.0},
    ),
    Spelling(
        "LayerNormalization",
        "TorchScript",
        CENTRE + DEVIATION + "g = Mul(n, s) y = Add(g, b)",
        NORM | SCALE,
        "LayerNormalization",
    ),
    Spelling(
        "LayerNormalization",
        "two Subs",
        CENTRE.replace("d =", "d2 = Sub(x, m) d =")
        + DEVIATION.replace("n = Div(d,", "n = Div(d2,")
        + "g = Mul(s, n) y = Add(b, g)",
        NORM | SCALE,
        "LayerNormalization",
    ),
    Spelling(
        "LayerNormalization",
        "square by Mul, reciprocal",
        CENTRE + "p = Mul(d, d) v = ReduceMean<axes=[-1]>(p) w = Add(eps, v) r = Sqrt(w) "
        "i = Reciprocal(r) j = Mul(i, s) n = Mul(d, j) y = Add(n, b)",
        NORM | SCALE,
    ),
    Spelling(
        "LayerNormalization",
        "no bias, root by Pow",
        CENTRE + "p = Mul(d, d) v = ReduceMean<axes=[2]>(p) w = Add(v, eps) i = Pow(w, minus) "
        "n = Mul(d, i) y = Mul(n, s)",
        NORM | SCALE,
    ),
    Spelling("Standardise", "no parameters", CENTRE + DEVIATION + "y = Identity(n)", NORM)._replace(
        found="Standardise Identity"
    ),
    Spelling(
        "Standardise Mul Add",
        "channels first",
        "m = ReduceMean<axes=[1]>(x) d = Sub(x, m) p = Pow(d, two) v = ReduceMean<axes=[1]>(p) "
        "w = Add(v, eps) r = Sqrt(w) n = Div(d, r) g = Mul(s, n) y = Add(g, b)",
        NORM | PLANE,
        shape=(2, 3, 2, 3),
        declared="N,3,H,W",
    ),
    Spelling(
        "Standardise Mul Add",
        "over space, opset 18",
        "m = ReduceMean(x, axes) d = Sub(x, m) p = Mul(d, d) v = ReduceMean(p, axes) "
        "w = Add(v, eps) r = Sqrt(w) n = Div(d, r) g = Mul(n, s) y = Add(g, b)",
        NORM | PLANE | {"axes": np.array([2, 3])},
        shape=(2, 3, 2, 3),
        opset=18,
        declared="N,3,H,W",
    ),
    Spelling(
        "RMSNormalization",
        "Div",
        "p = Pow(x, two) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) n = Div(x, r) "
        "y = Mul(n, s)",
        NORM | SCALE,
        "SimplifiedLayerNormalization",
    ),
    Spelling(
        "RMSNormalization",
        "one over the root",
        "p = Mul(x, x) v = ReduceMean<axes=[-1]>(p) w = Add(v, eps) r = Sqrt(w) i = Div(one, r) "
        "n = Mul(x, i) y = Mul(s, n)",
        NORM | SCALE,
    ),
    Spelling(
        "Softmax",
        "by Exp",
        "m = ReduceMax<axes=[-1]>(x) d = Sub(x, m) e = Exp(d) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([-1])},
    ),
    Spelling(
        "Softmax",
        "of channels",
        "m = ReduceMax<axes=[1]>(x) d = Sub(x, m) e = Exp(d) t = ReduceSum(e, axes) y = Div(e, t)",
        {"axes": np.array([-2])},
        opset=13,
    ),
]


def _model(spelling: Spelling, dtype: Any = np.float32) -> onnx.ModelProto:
    name = {np.float32: "float", np.float64: "double"}[dtype]
    tensor = f"{name}[{spelling.declared}]"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {spelling.opset}]> '
        f"g ({tensor} x) => ({tensor} y) {{ {spelling.body} }}"
    )
    for key, value in spelling.constants.items():
        array = np.asarray(value)
        kind = np.int64 if key == "axes" else dtype
        model.graph.initializer.append(onnx.numpy_helper.from_array(array.astype(kind), key))
    return model


def _gradient(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with an input `cot` and an output `gx`."""
    op = Emitter(recognise(prepare(model), keep={"x", "y"}))
    y = op.graph.tensors["y"]
    cot = gs.Variable("cot", y.dtype, y.shape)
    gx = reverse(op, y, cot, ["x"])["x"]
    out = gs.Variable("gx", gx.dtype, gx.shape)
    op.nodes.append(gs.Node("Identity", "gx", {}, [gx], [out]))
    return append(op, inputs=[cot], outputs=[out])


class Erf(OpRun):  # type: ignore[misc]
    """The evaluator's own computes in float32."""

    op_domain = ""

    def _run(self, x: Any) -> tuple[Any]:
        return (np.vectorize(math.erf, otypes=[x.dtype])(x),)


def _ids(spelling: Spelling) -> str:
    return f"{spelling.found}-{spelling.note}"


every = pytest.mark.parametrize("spelling", SPELLINGS, ids=_ids)


@every
def test_recognised(spelling: Spelling) -> None:
    graph = recognise(prepare(_model(spelling)))
    assert " ".join(node.op for node in graph.nodes) == spelling.found


@every
def test_gradient_equals_differences(spelling: Spelling, rng: np.random.Generator) -> None:
    model = _model(spelling, np.float64)
    forward = ReferenceEvaluator(model, new_ops=[Erf])
    x, v = rng.normal(size=(2, *spelling.shape))
    x = 2 * x
    cot = rng.normal(size=forward.run(["y"], {"x": x})[0].shape)
    gx = ReferenceEvaluator(_gradient(model), new_ops=[Erf]).run(["gx"], {"x": x, "cot": cot})[0]

    def at(step: float) -> Any:
        return forward.run(["y"], {"x": x + step * v})[0]

    assert gx.dtype == np.float64
    expected = np.sum(cot * slope(at, 1e-4))
    np.testing.assert_allclose(np.sum(gx * v), expected, rtol=1e-6, atol=1e-7)


def _session(model: onnx.ModelProto, path: Path) -> tuple[Any, collections.Counter[str]]:
    level = "ORT_ENABLE_EXTENDED"
    session = open_session(model, level=level, optimized_model_filepath=str(path))
    return session, collections.Counter(node.op_type for node in onnx.load(path).graph.node)


@every
def test_runtime_still_fuses(spelling: Spelling, rng: np.random.Generator, tmp_path: Path) -> None:
    model = _model(spelling)
    both = _gradient(model)
    onnx.checker.check_model(both, full_check=True)
    plain, before = _session(model, tmp_path / "plain.onnx")
    session, after = _session(both, tmp_path / "both.onnx")
    if spelling.fused:
        assert before[spelling.fused] == 1, f"onnxruntime does not fuse this: {before}"
        assert after[spelling.fused] >= 1, after
    x = rng.normal(size=spelling.shape).astype(np.float32)
    y = plain.run(["y"], {"x": x})[0]
    np.testing.assert_array_equal(session.run(["y"], {"x": x, "cot": np.ones_like(y)})[0], y)


def test_skip_layer_normalization_stays_fused(tmp_path: Path) -> None:
    """The sum before a norm is added anew the other way round, never read."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,3,4] x) => (float[N,3,4] y) {
        u = MatMul(x, w) a = Add(u, b) r = Add(a, x) y = LayerNormalization(r, s, b)
    }"""
    model = onnx.parser.parse_model(text)
    weights = {"w": np.eye(4) + 0.1, **SCALE}
    for key, value in weights.items():
        tensor = onnx.numpy_helper.from_array(value.astype(np.float32), key)
        model.graph.initializer.append(tensor)
    _, before = _session(model, tmp_path / "plain.onnx")
    _, after = _session(_gradient(model), tmp_path / "both.onnx")
    assert before["SkipLayerNormalization"] == after["SkipLayerNormalization"] == 1


BY_ERF = SPELLINGS[5]


def test_not_swallowed_when_an_inner_tensor_is_read_elsewhere() -> None:
    model = _model(BY_ERF._replace(body=BY_ERF.body.replace("y =", "z =") + " y = Add(z, p)"))
    assert "Erf" in [node.op for node in recognise(prepare(model)).nodes]


def test_not_swallowed_when_an_inner_tensor_is_an_output() -> None:
    model = _model(BY_ERF)
    model.graph.output.append(onnx.helper.make_tensor_value_info("p", 1, ["N", 3, 4]))
    assert "Erf" in [node.op for node in recognise(prepare(model)).nodes]


@pytest.mark.parametrize("inner", ["a", "e", "p", "q"])
def test_not_swallowed_when_an_inner_tensor_is_kept(inner: str) -> None:
    graph = recognise(prepare(_model(BY_ERF)), keep={inner})
    assert [node.op for node in graph.nodes] == ["Div", "Erf", "Add", "Mul", "Mul"]


@pytest.mark.parametrize("end", ["x", "y"])
def test_the_ends_of_a_composite_may_be_kept(end: str) -> None:
    assert [node.op for node in recognise(prepare(_model(BY_ERF)), keep={end}).nodes] == ["Gelu"]


@pytest.mark.parametrize(
    ("constants", "why"),
    [
        ({"half": 0.4}, "another factor"),
        ({"root2": 1.5}, "another argument"),
        ({"one": 2.0}, "sum"),
    ],
)
def test_other_constants_are_not_a_gelu(constants: dict[str, float], why: str) -> None:
    graph = recognise(prepare(_model(BY_ERF._replace(constants=ERF | constants))))
    assert "Gelu" not in [node.op for node in graph.nodes], why


def test_attention_of_another_tensor_is_not_silu() -> None:
    """Squeeze and excitation: the gate is computed from the pooled map."""
    body = "m = ReduceMean<axes=[-1]>(x) s = Sigmoid(m) y = Mul(x, s)"
    graph = recognise(prepare(_model(Spelling("", "", body))))
    assert [node.op for node in graph.nodes] == ["ReduceMean", "Sigmoid", "Mul"]


def test_float16_constants_are_close_enough() -> None:
    model = _model(BY_ERF)
    for tensor in model.graph.initializer:
        half = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, tensor.name))
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    assert [node.op for node in recognise(prepare(model)).nodes] == ["Gelu"]


def test_a_long_product_is_no_burden() -> None:
    """Depth is bounded: 3000 multiplications in a row end in no recursion."""
    steps = ["a0 = Mul(x, x)", *(f"a{i} = Mul(a{i - 1}, x)" for i in range(1, 3000))]
    body = " ".join(steps) + " y = Identity(a2999)"
    assert len(recognise(prepare(_model(Spelling("", "", body)))).nodes) == 3001


@pytest.mark.parametrize("row", COMPOSITES, ids=lambda row: f"{row.op}: {row.formula}")
def test_every_row_finds_a_spelling(row: Composite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composites, "_BY_ROOT", composites._by_root([row]))
    graphs = [recognise(prepare(_model(spelling))) for spelling in SPELLINGS]
    assert any(node.op == row.op for graph in graphs for node in graph.nodes)


@pytest.mark.parametrize("name", ["SiLU", "Mish"])
def test_far_out_equals_torch(name: str, tmp_path: Path) -> None:
    import torch

    spelling = next(s for s in SPELLINGS if s.found == name)
    x = np.array([-1e4, -90, -20, 0, 20, 90, 1e4, 3e38], np.float32)
    model = _model(spelling._replace(declared="8"))
    session, _ = _session(_gradient(model), tmp_path / "both.onnx")
    gx = session.run(["gx"], {"x": x, "cot": np.ones_like(x)})[0]
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    {"SiLU": torch.nn.functional.silu, "Mish": torch.nn.functional.mish}[name](t).sum().backward()
    np.testing.assert_allclose(gx, t.grad.numpy(), rtol=1e-6, atol=1e-7)
