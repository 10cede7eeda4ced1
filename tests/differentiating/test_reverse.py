"""The way back through a graph, against finite differences of it in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import VJP_RULES, Rule
from backends.onnx.writing.emit import Emitter
from cam_core.errors import CamError, LayerError, ModelError, UnsupportedOpError
from tests.differences import slope
from tests.gradients import gradients
from tests.sessions import run
from tests.written import parsed

BODIES = {
    "fan-out": ("a = Sin(x) b = Exp(a) c = Mul(a, b) d = Add(c, x) y = Mul(d, a)", "2,3", "x"),
    "broadcasting": (
        "r = ReduceSum(w, k) a = Mul(x, r) b = Sub(a, w) y = Div(b, z)",
        "2,3",
        "xwz",
    ),
    "read twice by one node": ("a = Sin(x) y = Mul(a, a)", "2,3", "x"),
    "past a staircase": ("a = Sin(x) f = Ceil(x) b = Mul(a, f) y = Add(b, x)", "2,3", "x"),
    "a part that nobody reads": (
        "a, b = Split<axis = 1>(x, parts) n = Tanh(b) y = Mul(n, n)",
        "2,2",
        "x",
    ),
    "one number for all": ("a = Sin(x) y = ReduceMean(a, both)", "1,1", "x"),
}
"""What is tested -> the nodes, the extents of y, and whose cotangents are wanted."""
SHAPES = {"x": (2, 3), "w": (3,), "z": (2, 1)}
INPUTS = "double[2,3] x, double[3] w, double[2,1] z"
FIXED = """k = Constant<value_ints = [0]>() both = Constant<value_ints = [0, 1]>()
    parts = Constant<value_ints = [1, 2]>()"""


@pytest.mark.parametrize("what", BODIES)
def test_cotangents_are_the_slopes(what: str, rng: np.random.Generator) -> None:
    body, extents, wanted = BODIES[what]
    model = parsed(INPUTS, f"{FIXED} {body}", f"double[{extents}] y", 18)
    feed = {name: rng.uniform(0.3, 0.8, shape) for name, shape in SHAPES.items()}
    cot = rng.normal(size=run(model, feed)["y"].shape)
    found = gradients(model, feed, cot, wanted)
    assert [*found] == [*wanted]
    for name, g in found.items():
        assert g.shape == SHAPES[name]
        D = rng.normal(size=g.shape)

        def at(t: float, name: str = name, D: Any = D) -> Any:
            return np.sum(cot * run(model, feed | {name: feed[name] + t * D})["y"])

        assert np.sum(g * D) == pytest.approx(slope(at, 1e-4), rel=1e-8), name


def test_a_wanted_tensor_that_feeds_another_is_passed(rng: np.random.Generator) -> None:
    model = parsed("double[2,3] x", "a = Sin(x) b = Exp(a) y = Mul(b, x)", "double[2,3] y")
    x, cot = rng.normal(size=(2, 2, 3))
    found = gradients(model, {"x": x}, cot, ["b", "a", "x", "y"])
    b, gb = np.exp(np.sin(x)), cot * x
    expected = {"y": cot, "b": gb, "a": gb * b, "x": gb * b * np.cos(x) + cot * b}
    for name, g in expected.items():
        np.testing.assert_allclose(found[name], g, rtol=1e-12, err_msg=name)


def test_guided_rectifiers_let_only_what_is_positive_back(rng: np.random.Generator) -> None:
    model = parsed("double[4,5] x", "a = Relu(x) y = Mul(a, a)", "double[4,5] y")
    x, cot = rng.normal(size=(2, 4, 5))
    (plain,) = gradients(model, {"x": x}, cot, ["x"]).values()
    (guided,) = gradients(model, {"x": x}, cot, ["x"], guided=True).values()
    expected = 2 * cot * np.maximum(x, 0)
    np.testing.assert_allclose(plain, expected, rtol=1e-12)
    np.testing.assert_allclose(guided, np.maximum(expected, 0), rtol=1e-12)
    assert (expected < 0).any()


def back(body: str, *wanted: str, y: str = "float[2,3] y") -> dict[str, Any]:
    op = Emitter(prepare(parsed("float[2,3] x", body, y)))
    score = op.graph.tensors["y"]
    return reverse(op, score, gs.Variable("cot", score.dtype, score.shape), list(wanted))


def test_a_wanted_staircase_is_not_pulled_on() -> None:
    assert [*back("a = Sin(x) f = Floor(a) y = Mul(f, a)", "a", "f")] == ["a", "f"]


@pytest.mark.parametrize(
    ("body", "layer"),
    [
        ("a = Sin(x) y = Neg(x)", "a"),
        ("a = Sin(x) f = Floor(a) y = Mul(f, x)", "a"),
        ("a = Sin(x) s = Shape(a) f = Cast<to = 1>(s) g = ReduceSum(f) y = Mul(x, g)", "a"),
        ("a = Sin(x) i = Cast<to = 7>(a) f = Cast<to = 1>(i) y = Add(x, f)", "a"),
        ("a = Sin(x) y = Neg(a)", "nobody"),
    ],
    ids=["beside the path", "a staircase", "extents", "integers", "unknown"],
)
def test_what_does_not_reach_the_score_is_refused(body: str, layer: str) -> None:
    with pytest.raises(LayerError, match=f"layer '{layer}' does not reach the score 'y'"):
        back(body, "x", layer)


def test_an_operator_without_a_rule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(VJP_RULES, ("", "Sin"))
    assert back("s = Sin(x) a = Exp(s) y = Neg(a)", "a").keys() == {"a"}
    with pytest.raises(UnsupportedOpError, match=r"Sin \(node 's', output 's'\)"):
        back("s = Sin(x) a = Exp(s) y = Neg(a)", "x")


def test_an_input_whose_derivative_a_rule_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is asked only where its cotangent is wanted."""
    asked: list[str] = []

    def rule(op: Any, node: Any, gy: Any) -> Any:
        return (lambda: asked.append("first") or gy), None

    monkeypatch.setitem(VJP_RULES, ("", "Mul"), Rule(rule))
    with pytest.raises(UnsupportedOpError, match=r"input 1 \('a'\) depends on the layer"):
        back("a = Sin(x) b = Exp(x) y = Mul(b, a)", "a")
    assert asked == []
    back("a = Sin(x) b = Exp(x) y = Mul(b, a)", "b")
    assert asked == ["first"]


def test_a_second_output_on_the_path_is_refused() -> None:
    body = "n, m = LayerNormalization(x, k) y = Mul(n, m)"
    with pytest.raises(UnsupportedOpError, match="its second output is read on the path"):
        back(f"k = Constant<value_floats = [1.0, 1.0, 1.0]>() {body}", "x")


def test_whose_fault_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose shapes fit is not to blame."""

    def broken(op: Any, node: Any, gy: Any) -> Any:
        raise ValueError("no such axis")

    monkeypatch.setitem(VJP_RULES, ("", "Exp"), Rule(broken))
    with pytest.raises(CamError, match=r"'x' and score 'y': .* please report: .*no such axis"):
        back("a = Exp(x) y = Neg(a)", "x")
    k = "k = Constant<value_floats = [1.0, 2.0]>()"
    with pytest.raises(ModelError, match=r"'x' and score 'y': the model contradicts itself"):
        back(f"{k} a = Exp(x) y = Add(a, k)", "x")
