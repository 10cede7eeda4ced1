"""If, Loop and Scan: each model's gradients against differences of onnxruntime in float64.

A row is (what it shows, the model in ONNX text, a list of inputs). The floating point inputs are
differentiated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from tests.differences import slope
from tests.gradients import with_gradient
from tests.sessions import open_session

rng = np.random.default_rng(8)
X, W, XS = rng.normal(size=(2, 3)), rng.uniform(-0.8, 0.8, (2, 3)), rng.normal(size=(5, 3))


def either(**inputs: Any) -> list[dict[str, Any]]:
    """The inputs of a model with an If: its condition true and false."""
    return [inputs | {"c": np.array(value)} for value in (True, False)]


def chosen(then: str, other: str, *, x: str = "2,3", y: str = "2,3", before: str = "") -> str:
    """An If over `c` that gives y; h stands before it."""
    return f"""g (double[{x}] x, bool c) => (double[{y}] y) {{
        h = Sin(x) {before}
        y = If (c) <then_branch = a () => (p) {{ {then} }}, else_branch = b () => (q) {{ {other} }}>
    }}"""


IFS = [
    ("a tensor that both branches read", chosen("p = Sin(h)", "q = Mul(h, h)")),
    ("a branch that hands it through", chosen("p = Identity(h)", "q = Mul(h, x)")),
    ("weights and axes in a branch", chosen(
        """w = Constant<value = double[3] {1.5, -2.0, 0.5}>() k = Constant<value_ints=[1]>()
        m = Mul(h, w) s = ReduceSum(m, k) p = Add(s, h)""", "q = Exp(h)")),
    ("a branch in a branch", chosen(
        """u = Cos(h) m = ReduceSum<keepdims=0>(u) l = Constant<value = double {0.0}>()
        d = Greater(m, l)
        p = If (d) <then_branch = e () => (r) { r = Mul(u, h) },
                    else_branch = f () => (v) { t = Exp(u) v = Mul(t, x) }>""", "q = Tanh(h)")),
    ("two outputs", """g (double[2,3] x, bool c) => (double[2,3] y) { h = Sin(x)
        a, b = If (c) <
          then_branch = t () => (p, q) { p = Exp(h) q = ReduceMax<axes=[1]>(p) },
          else_branch = e () => (r, s) { r = Identity(h)
            k = Constant<value_ints=[1]>() s = ReduceSum(h, k) }>
        y = Mul(a, b) }"""),
    ("extents known at run time", chosen("p = Sin(h)", "q = Mul(h, h)", x="N,T", y="N,T")),
    ("branches of other extents", chosen(
        "k = Constant<value_ints=[1]>() p = ReduceSum(h, k)", "q = Mul(h, h)", y="2,K")),
    ("a condition that is constant", """g (double[2,3] x, bool c) => (double[2,3] y) {
        h = Sin(x) l = Constant<value_int=0>() never = Cast<to=9>(l)
        y = If (never) <then_branch = a () => (p) { f = Flatten<axis=0>(h) p = Squeeze(f) },
                        else_branch = b () => (q) { q = Mul(h, h) }> }"""),
    ("a condition on a static extent", """g (double[N,3] x, bool c) => (double[N,3] y) {
        h = Sin(x) s = Shape(h) i = Constant<value_int=1>() n = Gather(s, i) one = Equal(n, i)
        y = If (one) <then_branch = a () => (p) { f = Flatten<axis=0>(h) p = Squeeze(f) },
                      else_branch = b () => (q) { q = Mul(h, h) }> }"""),
    ("a condition on the batch", """g (double[N,3] x, bool c) => (double[N,3] y) {
        h = Sin(x) s = Shape(h) i = Constant<value_int=0>() n = Gather(s, i)
        j = Constant<value_int=1>() one = Equal(n, j)
        y = If (one) <then_branch = a () => (p) { p = Exp(h) },
                      else_branch = b () => (q) { q = Mul(h, h) }> }"""),
]  # fmt: skip


def scan(attributes: str, body: str, tail: str, *, xs: str = "5,3", y: str = "2,3") -> str:
    return f"""g (double[2,3] h, double[{xs}] xs, double[2,3] w) => (double[{y}] y) {{
        last, all = Scan<num_scan_inputs=1, {attributes} body = b {body}>(h, xs) {tail} }}"""


STEP = """(s, x) => (t, z) { a = Mul(s, x) u = Add(a, w) t = Tanh(u) z = Mul(t, s) }"""
SUM = "k = Constant<value_ints=[0]>() z = ReduceSum<keepdims=0>(all, k)"
OVER = {"h": X, "xs": XS, "w": W}

SCANS = [
    ("the last state", scan("", STEP, "y = Sin(last)"), [OVER]),
    ("what is stacked", scan("", STEP, f"{SUM} y = Sin(z)"), [OVER]),
    ("both, at any length", scan("", STEP, f"{SUM} y = Mul(z, last)", xs="T,3"),
        [OVER, OVER | {"xs": XS[:1]}]),
    ("backwards over columns, stacked last and backwards", scan(
        "scan_input_axes=[-1], scan_input_directions=[1], scan_output_axes=[-1],"
        "scan_output_directions=[1],",
        "(s, x) => (t, z) { v = Transpose(w) p = MatMul(s, v) a = MatMul(p, w) u = Add(a, x)"
        " t = Tanh(u) z = Mul(t, s) }", "y = Identity(all)", xs="2,3,T", y="2,3,T"),
        [{"h": X, "xs": rng.normal(size=(2, 3, 4)), "w": W}]),
    ("a sum: nothing is recorded", scan(
        "", "(s, x) => (t, z) { t = Add(s, x) z = Identity(w) }", "y = Add(last, w)"), [OVER]),
    ("two sequences, one along another axis", """
        g (double[2,3] h, double[4,2,3] a, double[2,4,3] b) => (double[4,2,3] y) {
        last, y = Scan<num_scan_inputs=2, scan_input_axes=[0, 1], body = f (s, p, q) => (t, z) {
            m = Mul(p, q) t = Sub(s, m) z = Mul(t, q) }>(h, a, b) }""",
        [{"h": X, "a": rng.normal(size=(4, 2, 3)), "b": rng.normal(size=(2, 4, 3))}]),
    ("one sequence read twice, with a counter", """
        g (double[2] h, double[4,2] a) => (double[2] y) { n = Constant<value_int=0>()
        m, y, all = Scan<num_scan_inputs=2, body = f (i, s, p, q) => (j, t, z) {
            one = Constant<value_int=1>() j = Add(i, one) k = Cast<to=11>(i) v = Mul(p, k)
            u = Mul(s, q) t = Add(u, v) z = Identity(t) }>(n, h, a, a) }""",
        [{"h": X[0, :2], "a": rng.normal(size=(4, 2))}]),
    ("no state at all", """g (double[5,3] xs, double[3] w) => (double[5,3] y) {
        y = Scan<num_scan_inputs=1, body = f (x) => (z) { a = Sin(x) z = Mul(a, w) }>(xs) }""",
        [{"xs": XS, "w": W[0]}]),
]  # fmt: skip

HEAD = """g (double[2,3] x, double[2,3] w, int64 n) => (double[2,3] y) {
    i1 = Constant<value_int=1>() yes = Cast<to=9>(i1)"""
TIMES = """(int64 i, bool c, s) => (d, t, z) {
    d = Identity(c) f = Cast<to=11>(i) a = Mul(s, w) b = Add(a, f) t = Sin(b) z = Mul(t, s) }"""
HALVED = """(int64 i, bool c, s) => (d, t) { t = Mul(s, w) a = Abs(t) m = ReduceSum<keepdims=0>(a)
    limit = Constant<value = double {0.3}>() d = Greater(m, limit) }"""
TURNS = [{"x": X, "w": W, "n": np.array(n)} for n in (0, 1, 4)]
ONE = [{"x": X, "w": W, "n": np.array(2)}]

LOOPS = [
    ("as often as an input says, with what is stacked",
        f"{HEAD} s, all = Loop<body = b {TIMES}>(n, yes, x) {SUM} y = Add(s, z) }}", TURNS[1:]),
    ("without a condition", f"{HEAD} y, all = Loop<body = b {TIMES}>(n, , x) }}", TURNS[1:]),
    ("until a condition", f"{HEAD} s = Loop<body = b {HALVED}>(, yes, x) y = Sin(s) }}", ONE),
    ("never, by its condition", f"""{HEAD} no = Not(yes)
        s = Loop<body = b {HALVED}>(, no, x) y = Sin(s) }}""", ONE),
    ("a constant number of times, with an If inside", f"""{HEAD} three = Constant<value_int=3>()
        y = Loop<body = b (int64 i, bool c, s) => (d, t) {{ d = Identity(c) e = Equal(i, i1)
            t = If (e) <then_branch = p () => (u) {{ u = Mul(s, w) }},
                        else_branch = q () => (v) {{ r = Sin(s) v = Add(r, x) }}> }}>
            (three, yes, x) }}""", ONE),
    ("a loop in a loop", f"""{HEAD}
        y = Loop<body = b (int64 i, bool c, s) => (d, t) {{ d = Identity(c)
            t = Loop<body = e (int64 j, bool o, r) => (p, q) {{
                p = Identity(o) a = Mul(r, w) q = Sin(a) }}>(n, c, s) }}>(n, yes, x) }}""", TURNS),
    ("rows picked by the number of the turn", f"""{HEAD} two = Constant<value_int=2>()
        s, all = Loop<body = b (int64 i, bool c, s) => (d, t, z) {{ d = Identity(c) r = Gather(x, i)
            t = Mul(s, r) z = Identity(t) }}>(two, yes, w)
        l = Constant<value_int=1>() f = Gather(all, l) y = Mul(f, s) }}""", ONE),
    ("states that change places", f"""{HEAD}
        a, b = Loop<body = b (int64 i, bool c, s, r) => (d, t, u) {{ d = Identity(c) t = Identity(r)
            u = Mul(s, w) }}>(n, yes, x, w) y = Sub(a, b) }}""", TURNS),
]  # fmt: skip

MODELS = [(note, text, either(x=X)) for note, text in IFS] + SCANS + LOOPS
ROWS = [(note, text, given) for note, text, inputs in MODELS for given in inputs]


def model_of(text: str, opset: int = 17) -> onnx.ModelProto:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> {text}')
    onnx.checker.check_model(model, full_check=True)
    return model


def differentiated(given: dict[str, Any]) -> list[str]:
    return [name for name, value in given.items() if value.dtype == np.float64]


@pytest.mark.parametrize(("note", "text", "given"), ROWS, ids=[row[0] for row in ROWS])
def test_gradient_equals_differences(
    note: str, text: str, given: dict[str, Any], rng: np.random.Generator
) -> None:
    model, wanted = model_of(text), differentiated(given)
    gradient, names = with_gradient(model, wanted)
    onnx.checker.check_model(gradient, full_check=True)
    given = {k: v for k, v in given.items() if k in {i.name for i in model.graph.input}}
    plain, whole = open_session(model), open_session(gradient)
    y = plain.run(None, given)[0]
    cot = rng.normal(size=y.shape)
    assert np.array_equal(whole.run([model.graph.output[0].name], given | {"cot": cot})[0], y)
    for name, g in zip(wanted, whole.run(names, given | {"cot": cot}), strict=True):
        assert g.shape == given[name].shape
        v = rng.normal(size=g.shape)
        scale = float(np.sqrt(np.sum(g**2) * np.sum(v**2))) + 1e-9

        def at(step: float, name: str = name, v: Any = v) -> Any:
            return plain.run(None, given | {name: given[name] + step * v})[0]

        expected = np.sum(cot * slope(at, 1e-4))
        assert abs(np.sum(g * v) - expected) < 1e-7 * scale, name
