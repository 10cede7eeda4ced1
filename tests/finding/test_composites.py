"""Decomposed operators: found in every spelling, differentiated right, left fused at run time."""

from __future__ import annotations

import collections
import math
from pathlib import Path
from typing import Any

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
from backends.onnx.finding.scores import find_score
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from tests.differences import slope
from tests.finding.spellings import ERF, SCALE, SPELLINGS, Spelling, model_of
from tests.sessions import open_session


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
    graph = recognise(prepare(model_of(spelling)))
    assert " ".join(node.op for node in graph.nodes) == spelling.found


@every
def test_gradient_equals_differences(spelling: Spelling, rng: np.random.Generator) -> None:
    model = model_of(spelling, np.float64)
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
    model = model_of(spelling)
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
    model = model_of(BY_ERF._replace(body=BY_ERF.body.replace("y =", "z =") + " y = Add(z, p)"))
    assert "Erf" in [node.op for node in recognise(prepare(model)).nodes]


def test_not_swallowed_when_an_inner_tensor_is_an_output() -> None:
    model = model_of(BY_ERF)
    model.graph.output.append(onnx.helper.make_tensor_value_info("p", 1, ["N", 3, 4]))
    assert "Erf" in [node.op for node in recognise(prepare(model)).nodes]


@pytest.mark.parametrize("inner", ["a", "e", "p", "q"])
def test_not_swallowed_when_an_inner_tensor_is_kept(inner: str) -> None:
    graph = recognise(prepare(model_of(BY_ERF)), keep={inner})
    assert [node.op for node in graph.nodes] == ["Div", "Erf", "Add", "Mul", "Mul"]


@pytest.mark.parametrize("end", ["x", "y"])
def test_the_ends_of_a_composite_may_be_kept(end: str) -> None:
    assert [node.op for node in recognise(prepare(model_of(BY_ERF)), keep={end}).nodes] == ["Gelu"]


@pytest.mark.parametrize(
    ("constants", "why"),
    [
        ({"half": 0.4}, "another factor"),
        ({"root2": 1.5}, "another argument"),
        ({"one": 2.0}, "sum"),
    ],
)
def test_other_constants_are_not_a_gelu(constants: dict[str, float], why: str) -> None:
    graph = recognise(prepare(model_of(BY_ERF._replace(constants=ERF | constants))))
    assert "Gelu" not in [node.op for node in graph.nodes], why


def test_attention_of_another_tensor_is_not_silu() -> None:
    """Squeeze and excitation: the gate is computed from the pooled map."""
    body = "m = ReduceMean<axes=[-1]>(x) s = Sigmoid(m) y = Mul(x, s)"
    graph = recognise(prepare(model_of(Spelling("", "", body))))
    assert [node.op for node in graph.nodes] == ["ReduceMean", "Sigmoid", "Mul"]


def test_float16_constants_are_close_enough() -> None:
    model = model_of(BY_ERF)
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
    assert len(recognise(prepare(model_of(Spelling("", "", body)))).nodes) == 3001


SOFTMAX = Spelling(
    "",
    "",
    "d = Sub(x, b) e = Exp(d) t = ReduceSum<keepdims=0>(e, axes) v = Reshape(t, row) y = Div(e, v)",
    {"axes": np.array([2]), "row": np.array([1, 3, 1]), "b": 0.5},
    declared="1,3,3",
)


@pytest.mark.parametrize(
    ("constants", "old", "new", "why"),
    [
        ({}, "", "", ""),
        ({"axes": np.array([1])}, "", "", "columns, put back as rows"),
        ({"row": np.array([1, 1, 3])}, "", "", "rows, put back as columns"),
        ({"axes": np.array([1, 2]), "row": np.array([1, 1, 1])}, "", "", "two axes"),
        ({}, "Div(e, v)", "Div(d, v)", "another above"),
        ({}, "Div(e, v)", "Div(v, e)", "upside down"),
        ({}, "ReduceSum<keepdims=0>(e, axes)", "ReduceMean<axes=[2], keepdims=0>(e)", "no sum"),
        ({}, "v = Reshape(t, row)", "l = Log(t) v = Reshape(l, row)", "a logarithm"),
        ({}, "y = ", "p = Log(v) y = ", "the sum is read elsewhere"),
        ({}, "Div(e, v)", "Sub(e, v)", "a difference"),
        (
            {"many": np.array([2, 3, 3])},
            "y = Div(e, v)",
            "u = Expand(v, many) y = Div(e, u)",
            "many",
        ),
    ],
)
def test_what_is_a_softmax(constants: dict[str, Any], old: str, new: str, why: str) -> None:
    body = SOFTMAX.body.replace(old, new) if old else SOFTMAX.body
    spelling = SOFTMAX._replace(body=body, constants=SOFTMAX.constants | constants)
    found = [node.op for node in recognise(prepare(model_of(spelling))).nodes]
    assert ("Softmax" not in found) is bool(why)


@pytest.mark.parametrize("inner", ["d", "e", "t", "v"])
def test_a_softmax_is_not_swallowed_where_an_inner_tensor_is_kept(inner: str) -> None:
    found = [node.op for node in recognise(prepare(model_of(SOFTMAX)), keep={inner}).nodes]
    assert found == (
        ["Sub", "Softmax"] if inner == "d" else ["Sub", "Exp", "ReduceSum", "Reshape", "Div"]
    )


@pytest.mark.parametrize(
    "tail", [s for s in SPELLINGS if s.found in ("Softmax", "LogSoftmax")], ids=_ids
)
def test_the_logits_lie_before_a_tail_that_is_spelled_out(tail: Spelling) -> None:
    """Whatever the axis of the classes is, the activation is found, and what it reads."""
    body = "x = Relu(z) " + tail.body
    model = model_of(tail._replace(body=body))
    model.graph.input[0].name = "z"
    graph = recognise(prepare(model), keep={"y"})
    score = find_score(graph)
    assert (score.name, score.activation) == ("x", tail.found)


@pytest.mark.parametrize("row", COMPOSITES, ids=lambda row: f"{row.op}: {row.formula}")
def test_every_row_finds_a_spelling(row: Composite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composites, "_BY_ROOT", composites._by_root([row]))
    graphs = [recognise(prepare(model_of(spelling))) for spelling in SPELLINGS]
    assert any(node.op == row.op for graph in graphs for node in graph.nodes)


@pytest.mark.parametrize("name", ["SiLU", "Mish"])
def test_far_out_equals_torch(name: str, tmp_path: Path) -> None:
    import torch

    spelling = next(s for s in SPELLINGS if s.found == name)
    x = np.array([-1e4, -90, -20, 0, 20, 90, 1e4, 3e38], np.float32)
    model = model_of(spelling._replace(declared="8"))
    session, _ = _session(_gradient(model), tmp_path / "both.onnx")
    gx = session.run(["gx"], {"x": x, "cot": np.ones_like(x)})[0]
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    {"SiLU": torch.nn.functional.silu, "Mish": torch.nn.functional.mish}[name](t).sum().backward()
    np.testing.assert_allclose(gx, t.grad.numpy(), rtol=1e-6, atol=1e-7)
