"""Models with control flow and recurrent networks between layer and score, end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend, coverage, instrument
from backends.onnx.instrumenting.strip import strip
from cam_core.errors import UnsupportedOpError
from cam_core.targets import ClassTarget
from tests.sessions import open_session

CONV = "c = Conv<pads=[1,1,1,1]>(x, w) map = Relu(c) p = GlobalAveragePool(map) f = Flatten(p)"
TAIL = "y = Gemm(v, head)"
BRANCH = """m = ReduceMean<keepdims=0>(f) low = Constant<value = float {{{level}}}>()
    big = Greater(m, low)
    v = If (big) <then_branch = a () => (s) {{ s = Sigmoid(f) }},
                  else_branch = b () => (t) {{ e = Exp(f) t = Mul(e, f) }}>"""
LOOP = """n = Constant<value_int=3>() go = Constant<value_int=1>() yes = Cast<to=9>(go)
    v = Loop<body = b (int64 i, bool k, s) => (d, t) {{ d = Identity(k)
        a = MatMul(s, mix) u = Tanh(a) t = Add(u, f) }}>(n, yes, f)"""
SCAN = """rows = Transpose<perm=[2,0,1]>(cells) zero = Sub(f, f)
    v, all = Scan<num_scan_inputs=1, body = b (s, r) => (t, o) {{
        a = MatMul(s, mix) u = Add(a, r) t = Tanh(u) o = Identity(t) }}>(zero, rows)"""
CELLS = "c = Conv<pads=[1,1,1,1]>(x, w) map = Relu(c) p = GlobalAveragePool(map) f = Flatten(p)"
CELLS += " k = Constant<value_ints=[0,4,-1]>() cells = Reshape(map, k)"
MODELS = {
    "If, taken": f"{CONV} {BRANCH.format(level=-9.0)} {TAIL}",
    "If, not taken": f"{CONV} {BRANCH.format(level=9.0)} {TAIL}",
    "Loop": f"{CONV} {LOOP.format()} {TAIL}",
    "Scan": f"{CELLS} {SCAN.format()} {TAIL}",
    "If as the score": f"{CONV} {BRANCH.format(level=0.0).replace('v = If', 'y = If')}",
}


def model_of(body: str, opset: int = 17) -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> '
        f"g (float[N,2,6,6] x) => (float[N,4] y) {{ {body} }}"
    )
    rng = np.random.default_rng(2)
    for name, shape in {"w": (4, 2, 3, 3), "head": (4, 4), "mix": (4, 4)}.items():
        value = rng.normal(size=shape).astype(np.float32) * 0.5
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    return model


def run(model: onnx.ModelProto, names: list[str] | None, **given: Any) -> list[Any]:
    session = open_session(model)
    return list(session.run(names, given))


@pytest.mark.parametrize("name", MODELS)
def test_every_way_gives_the_gradient(name: str, rng: np.random.Generator) -> None:
    """The backend, an instrumented model, a gated one; against differences of the model's tail."""
    model = model_of(MODELS[name])
    x = rng.normal(size=(2, 2, 6, 6)).astype(np.float32)
    backend = OnnxBackend(model)
    (seen,) = backend.capture(x, ClassTarget(1))
    assert seen.layer == ("map" if "score" not in name else "c"), "channels are classes there"
    D = rng.normal(size=seen.activations.shape).astype(np.float32)
    tail = backend.look(x).tail(seen.layer)
    up, down = (tail(seen.activations + s * D) for s in (1e-2, -1e-2))
    slope = float(np.sum((up.astype(np.float64) - down)[:, 1]) / 2e-2)
    scale = float(np.linalg.norm(seen.gradients) * np.linalg.norm(D))
    assert abs(float(np.sum(seen.gradients * D)) - slope) < 1e-3 * scale
    plain = run(model, None, x=x)
    for gate in (False, True):
        result = instrument(model, target=1, outputs=["gradients"], gate=gate, verify=True)
        given = {"x": x} | ({"cam_enable": np.array(True)} if gate else {})
        *own, G = run(result, None, **given)
        np.testing.assert_array_equal(own[0], plain[0])
        np.testing.assert_allclose(G, seen.gradients, rtol=1e-5, atol=1e-7)
        assert strip(result) == model


def test_coverage_counts_what_bodies_emit() -> None:
    found = coverage(model_of(MODELS["Loop"]))
    assert not found.refused
    assert {row.operator for row in found.operators} >= {"Loop", "Gemm"}
    assert "Loop" in found.unportable


REFUSED = {
    "a form that has no rule": (
        CONV + """ m = ReduceMean<keepdims=0>(f) l = Constant<value = float {0.0}>()
        big = Greater(m, l)
        v = If (big) <then_branch = a () => (s) {
            w = Constant<value_floats = [1.0, 1.0, 1.0, 1.0]>()
            s, mean, variance = BatchNormalization<training_mode = 1>(f, w, w, w, w) },
        else_branch = b () => (t) { t = Exp(f) }> """ + TAIL,
        "If where its body holds this: no VJP rule for BatchNormalization"),
    "a dropout that may be in training mode": (
        CONV + """ m = ReduceMean<keepdims=0>(f) l = Constant<value = float {0.0}>()
        big = Greater(m, l)
        v = If (big) <then_branch = a () => (s) { h = Constant<value = float {0.5}>()
            s = Dropout(f, h, big) },
        else_branch = b () => (t) { t = Exp(f) }> """ + TAIL,
        r"If where its body draws at random \(Dropout\)"),
    "a draw": (
        f"{CONV} " + LOOP.format().replace("a = MatMul(s, mix)",
            "z = RandomNormalLike(s) a = Add(s, z)") + f" {TAIL}", "draws at random"),
    "a state that grows": (
        f"""{CONV} n = Constant<value_int=2>() go = Constant<value_int=1>() yes = Cast<to=9>(go)
        q = Loop<body = b (int64 i, bool k, s) => (d, t) {{ d = Identity(k)
            u = Sin(s) t = Concat<axis=1>(u, f) }}>(n, yes, f)
        k = Constant<value_ints=[1]>() z = ReduceSum(q, k) v = Mul(z, f) {TAIL}""",
        "changes its shape"),
    "a sequence as state": (
        f"""{CONV} n = Constant<value_int=2>() go = Constant<value_int=1>() yes = Cast<to=9>(go)
        q = SequenceEmpty() v, r = Loop<body = b (int64 i, bool k, s, a) => (d, t, e) {{
            d = Identity(k) t = Sin(s) e = SequenceInsert(a, t) }}>(n, yes, f, q) {TAIL}""",
        "Loop where it reads 'q', which is no tensor"),
    "a path through a sequence beside a plain one": (
        f"""{CONV} n = Constant<value_int=2>() go = Constant<value_int=1>() yes = Cast<to=9>(go)
        q = SequenceEmpty() r = Loop<body = b (int64 i, bool k, a) => (d, e) {{
            d = Identity(k) t = Sin(f) e = SequenceInsert(a, t) }}>(n, yes, q)
        z = ConcatFromSequence<axis=0>(r) i = Constant<value_ints=[-1,4]>() s = Reshape(z, i)
        k = Constant<value_ints=[0]>() m = ReduceSum(s, k) v = Add(f, m) {TAIL}""",
        "Reshape where the rank of 'z' is unknown"),
    "branches of other ranks": (
        f"""{CONV} m = ReduceMean<keepdims=0>(f) l = Constant<value = float {{0.0}}>()
        big = Greater(m, l) q = If (big) <then_branch = a () => (s) {{ s = Sin(f) }},
            else_branch = b () => (t) {{ t = Exp(map) }}>
        i = Constant<value_ints=[0,4]>() v = Reshape(q, i) {TAIL}""", "rank"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    body, why = REFUSED[name]
    with pytest.raises(UnsupportedOpError, match=why) as caught:
        instrument(model_of(body))
    assert "layer 'map'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scan_with_a_batch_of_its_own_is_refused() -> None:
    body = """c = Conv<pads=[1,1,1,1]>(x, w) map = Relu(c) p = GlobalAveragePool(map)
        f = Flatten(p) v, all = Scan<num_scan_inputs=1, body = b (float[4] s, float[6,6] r)
            => (float[4] t, float[4] o) { t = Tanh(s) o = Identity(t) }>("", f, map)
        y = MatMul(v, head)"""
    with pytest.raises(UnsupportedOpError, match="Scan where the opset is below 9"):
        instrument(model_of(body, opset=8))
