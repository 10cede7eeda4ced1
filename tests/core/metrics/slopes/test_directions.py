"""G against differences: a right gradient passes, one that is off by a hundredth does not.

Whole networks are float32 in onnxruntime; functions written here are float64, G by formula.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import OnnxBackend
from backends.onnx.rules import VJP_RULES
from cam_core.metrics.slopes.curve import FIRST, LAST
from cam_core.metrics.slopes.directions import FEW, MOST, RUNS, Direction, Numeric, compare_slopes
from cam_core.metrics.slopes.moves import KINDS
from cam_core.metrics.slopes.verdicts import AGREES, AT_A_KINK, DIFFERS, UNTOLD
from cam_core.targets import ClassTarget

pytest.importorskip("onnxruntime")


def seen(f: Callable[[Any], Any], A: Any) -> Any:
    """A look at one layer, whose Y is the sum of f over the cells; and the runs of its tail."""
    runs: Counter[str] = Counter()

    def tail(a: Any) -> Any:
        runs["tail"] += 1
        return f(a).reshape(len(a), -1).sum(axis=1)[:, None]

    return SimpleNamespace(
        layers=["a"], activations={"a": A}, tail=lambda name: tail, score=tail(A), runs=runs
    )


def found(f: Callable[[Any], Any], A: Any, G: Any) -> Numeric:
    return compare_slopes(seen(f, A), G, ClassTarget(0))


NETWORKS = {  # structure: (nodes from a layer `a` [N, 4, 12, 12] to the score, its rules)
    "ties of a constant": (
        """a = BatchNormalization(r, scale, bias, mean, var)
        p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a)
        c = Conv<pads = [1, 1, 1, 1]>(p, w)
        t = Tanh(c)
        y = ReduceMean<axes = [2, 3], keepdims = 0>(t)""",
        ("MaxPool", "Conv", "Tanh", "ReduceMean"),
    ),
    "a maximum with a constant": (
        """a = Max(x, least)
        c = Conv<pads = [1, 1, 1, 1]>(a, w)
        b = Max(c, least)
        p = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(b)
        t = Tanh(p)
        y = ReduceMean<axes = [2, 3], keepdims = 0>(t)""",
        ("Conv", "Max", "MaxPool", "Tanh"),
    ),
    "one maximum after another": (
        """a = Max(x, least)
        b = Max(a, least)
        c = Conv<pads = [1, 1, 1, 1]>(b, w)
        t = Tanh(c)
        y = ReduceMean<axes = [2, 3], keepdims = 0>(t)""",
        ("Max", "Conv", "Tanh"),
    ),
    "a bound at the output": (
        """a = Relu(x)
        c = Conv<pads = [1, 1, 1, 1]>(a, w)
        t = Tanh(c)
        m = ReduceMean<axes = [2, 3], keepdims = 0>(t)
        y = Clip(m, low, high)""",
        ("Clip", "Conv", "Tanh"),
    ),
    "corners everywhere": (
        """a = Relu(x)
        c = Conv<pads = [1, 1, 1, 1]>(a, w)
        h = HardSwish(c)
        d = Conv<pads = [1, 1, 1, 1]>(h, w)
        s = HardSigmoid(d)
        y = ReduceMean<axes = [2, 3], keepdims = 0>(s)""",
        ("HardSwish", "HardSigmoid", "Conv"),
    ),
}


def deep(count: int) -> str:
    """A stack of SiLUs, whose score is a sum over all places."""
    lines, last = ["a = Relu(x)"], "a"
    for i in range(count):
        lines += [f"c{i} = Conv<pads = [1, 1, 1, 1]>({last}, w)", f"s{i} = Sigmoid(c{i})"]
        lines += [f"m{i} = Mul(c{i}, s{i})"]
        last = f"m{i}"
    return "\n".join([*lines, f"y = Identity({last})"])


NETWORKS["deep"] = deep(16), ("Conv",)


def rectified(count: int) -> str:
    """Residual blocks of rectifiers, seen before the first: kinks lie near on all sides."""
    lines, last = ["a = Conv<pads = [1, 1, 1, 1]>(r, w)", "q = Relu(a)"], "q"
    for i in range(count):
        lines += [f"c{i} = Conv<pads = [1, 1, 1, 1]>({last}, w)", f"r{i} = Relu(c{i})"]
        lines += [f"d{i} = Conv<pads = [1, 1, 1, 1]>(r{i}, w)", f"e{i} = Add(d{i}, {last})"]
        lines += [f"f{i} = Relu(e{i})"]
        last = f"f{i}"
    lines += [f"p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>({last})"]
    lines += ["m = AveragePool<kernel_shape = [6, 6]>(p)", "y = Flatten(m)"]
    return "\n".join(lines)


NETWORKS["an early layer"] = rectified(8), ("Relu", "Conv", "MaxPool", "AveragePool", "Flatten")

SMALL = """a = Conv<pads = [1, 1, 1, 1]>(r, w)
        b, s = Split<axis = 1>(a, three)
        c = Tanh(b)
        z = Sigmoid(s)
        u = Mul(z, small)
        v = Concat<axis = 1>(c, u)
        d = Conv<pads = [1, 1, 1, 1]>(v, w)
        y = ReduceMean<axes = [2, 3], keepdims = 0>(d)"""
"""One channel of four goes a way of its own, and holds a thousandth of G."""


def network(nodes: str, rng: np.random.Generator) -> OnnxBackend:
    """Of an input whose left half is constant, so that it ties after every convolution."""
    dense = "y = Identity" in nodes
    out = "float[N, 4, 12, 12] y" if dense else "float[N, 4] y"
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 4, 12, 12] x) => ({out}) {{
        r = Relu(x)
        {nodes}
    }}""")
    constants = {
        "w": rng.normal(size=(4, 4, 3, 3)) * (0.3 if dense else 0.5),
        "scale": [1.0, -1.0, 0.5, 2.0],
        "bias": [0.3, -0.2, 0.1, 0.0],
        "mean": [0.2, 0.1, -0.1, 0.3],
        "var": [1.0, 2.0, 0.5, 1.0],
        **{"least": -0.4, "low": -0.9, "high": 0.9, "small": 1e-2},
    }
    for name, value in constants.items():
        if re.search(rf"\b{name}\b", nodes):
            array = np.asarray(value, np.float32)
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    if "three" in nodes:
        parts = onnx.numpy_helper.from_array(np.array([3, 1]), "three")
        model.graph.initializer.append(parts)
    return OnnxBackend(model, layer="a")


def verdict(nodes: str, rng: np.random.Generator) -> Numeric:
    x = rng.normal(size=(1, 4, 12, 12)).astype(np.float32)
    x[..., :6] = -0.7
    look = network(nodes, rng).look(x)
    target = ClassTarget(1)
    G = look.pull(target).layers["a"]
    return compare_slopes(look, G, target, finer=lambda: look.wide_tail("a"))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_right_gradient_passes(name: str, rng: np.random.Generator) -> None:
    result = verdict(NETWORKS[name][0], rng)
    assert result.passed is True, result
    assert result.count(DIFFERS) == 0
    assert len(result.directions) == FEW


@pytest.mark.parametrize(
    ("name", "operator"), [(name, op) for name, (_, ops) in NETWORKS.items() for op in ops]
)
def test_a_hundredth_in_a_rule_is_found(
    name: str, operator: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = VJP_RULES["", operator]

    def off(op: Any, node: Any, gy: Any) -> Any:
        return rule.function(op, node, op.Mul(gy, np.float32(1.01)))

    monkeypatch.setitem(VJP_RULES, ("", operator), replace(rule, function=off))
    assert verdict(NETWORKS[name][0], rng).passed is False


@pytest.mark.parametrize("operator", ["Sigmoid", "Mul"])
def test_a_tenth_in_a_branch_that_holds_little_of_g_is_found(
    operator: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng.normal(size=(1, 4, 12, 12)).astype(np.float32)
    model = network(SMALL, rng).analysis.source.model

    def judged() -> tuple[Numeric, Any]:
        look, target = OnnxBackend(model, layer="a").look(x), ClassTarget(1)
        G = look.pull(target).layers["a"]
        return compare_slopes(look, G, target, finer=lambda: look.wide_tail("a")), G

    right, G = judged()
    lengths = np.sqrt(np.square(G).sum((0, 2, 3)))
    assert 5e-4 < lengths[3] / np.linalg.norm(lengths) < 2e-3
    assert right.passed is True, right
    rule = VJP_RULES["", operator]

    def off(op: Any, node: Any, gy: Any) -> Any:
        return rule.function(op, node, op.Mul(gy, np.float32(1.1)))

    monkeypatch.setitem(VJP_RULES, ("", operator), replace(rule, function=off))
    wrong, _ = judged()
    assert wrong.passed is False
    assert {d.kind for d in wrong.directions if d.verdict == DIFFERS} == {"levelled"}


def test_an_early_layer_is_told_in_float64_alone(rng: np.random.Generator) -> None:
    """In float32 no step of a direction at random is free of kinks and of rounding."""
    x = rng.normal(size=(1, 4, 12, 12)).astype(np.float32)
    look = network(rectified(8), rng).look(x)
    target = ClassTarget(1)
    G = look.pull(target).layers["a"]
    for finer, told in ((lambda: None, False), (lambda: look.wide_tail("a"), True)):
        result = compare_slopes(look, G, target, finer=finer)
        assert all(d.verdict == AGREES for d in result.directions) is told, result


def test_all_ties_given_the_whole_are_found(rng: np.random.Generator) -> None:
    """Y = 3 max of four equal cells: one of them has the slope 3, or each a part; not each 3."""
    A = np.repeat(rng.normal(size=(1, 8, 16, 1)), 4, axis=-1)

    def pooled(a: Any) -> Any:
        return 3 * a.max(axis=-1)

    first = np.zeros_like(A)
    first[..., 0] = 3
    right = found(pooled, A, first)
    assert right.passed is True
    assert right.how == "equal numbers moved together"
    assert found(pooled, A, np.full_like(A, 0.75)).passed is True
    assert found(pooled, A, np.full_like(A, 3.0)).passed is False


def test_a_kink_that_nothing_avoids_is_said(rng: np.random.Generator) -> None:
    """|A - b| at A = b, all numbers different: any G between -1 and 1 agrees, at a kink."""
    b = rng.normal(size=(1, 4, 9))

    def bent(a: Any) -> Any:
        return np.abs(a - b)

    within = found(bent, b.copy(), rng.uniform(-1, 1, b.shape))
    assert within.passed is True
    assert within.count(AT_A_KINK) == len(within.directions) == FEW
    assert found(bent, b.copy(), np.full(b.shape, 40.0)).passed is False


def test_constants_that_are_kinks_are_held(rng: np.random.Generator) -> None:
    """Half the cells at -0.4, where max(a, -0.4) has its kink; the others are smooth there."""
    A = np.where(rng.random((1, 6, 40)) < 0.5, -0.4, rng.uniform(0, 1, (1, 6, 40)))
    w = rng.normal(size=A.shape)

    def rectified(a: Any) -> Any:
        return w * np.maximum(a, -0.4) ** 2

    G = np.where(A > -0.4, 2 * w * A, 0.0)
    right = found(rectified, A, G)
    assert right.passed is True
    assert right.count(AGREES) == FEW
    assert right.how == "equal numbers held"
    assert found(rectified, A, 1.01 * G).passed is False


def test_what_is_missing_is_found(rng: np.random.Generator) -> None:
    """Two of six channels without their gradient: seen at random, not along what is there."""
    A = rng.normal(size=(1, 6, 40))
    G = np.cos(A)
    G[:, :2] = 0
    assert found(np.sin, A, G).passed is False


def test_rounding_that_hides_the_slope_is_said(rng: np.random.Generator) -> None:
    """A score of 10000 in float16 moves by 8 or not at all; G is off by a hundredth, or is not."""
    A = rng.normal(size=(1, 4, 9)).astype(np.float32)

    def coarse(a: Any) -> Any:
        return (a.sum() + 1e4).astype(np.float16).reshape(1, 1)

    for factor in (1.0, 1.01):
        result = found(coarse, A, np.full(A.shape, factor, np.float32))
        assert result.passed is None
        assert result.count(UNTOLD) == len(result.directions) == FEW


def test_what_rounding_decides_is_not_wrong(rng: np.random.Generator) -> None:
    """Rectifiers nearer to their kink than float32 tells: half of them are on in G, by chance.

    What is missing for another reason is found beside them.
    """
    A = rng.normal(size=(1, 20, 1000)).astype(np.float32)
    w, near = rng.normal(size=A.shape), rng.random(A.shape) < 4e-3
    b = np.where(near, A + 1e-9 * rng.normal(size=A.shape), A - 1)

    def rectified(a: Any) -> Any:
        return w * np.maximum(a - b, 0)

    def tail(a: Any) -> Any:
        return rectified(a).reshape(len(a), -1).sum(axis=1)[:, None]

    G = np.where(near & (rng.random(A.shape) < 0.5), 0, w)
    for part, passed in ((None, True), (np.s_[:, :6], False)):
        given = G.copy()
        given[() if part is None else part] *= 0 if part else 1
        result = compare_slopes(seen(rectified, A), given, ClassTarget(0), finer=lambda: tail)
        assert result.passed is passed, result


def test_three_directions_are_enough_where_they_agree(rng: np.random.Generator) -> None:
    """The middle, six runs to see the rounding, and a few steps of two runs a direction."""
    A = rng.normal(size=(2, 6, 40)).astype(np.float32)
    look = seen(np.sin, A)
    steps: list[None] = []
    result = compare_slopes(look, np.cos(A), ClassTarget(0), step=lambda: steps.append(None))
    assert len(result.directions) == FEW
    assert len(steps) == MOST  # the bar is full
    assert look.runs["tail"] <= 1 + 1 + 6 + 3 * 2 * 5


def test_runs_have_an_end(rng: np.random.Generator) -> None:
    """Where nothing agrees or can be told, the last direction begins within RUNS."""
    A = rng.normal(size=(2, 6, 40)).astype(np.float32)
    noise = np.random.default_rng(5)
    kinks = rng.normal(size=A.shape)
    cases = [
        (np.sin, 1.01 * np.cos(A)),
        (np.sin, np.zeros(A.shape)),
        (lambda a: np.sin(a) + 1e-2 * noise.normal(size=a.shape), np.cos(A)),
        (lambda a: np.abs(np.sin(1e4 * a + kinks)), np.cos(A)),
    ]
    for f, G in cases:
        look = seen(f, A)
        result = compare_slopes(look, G, ClassTarget(0))
        assert result.passed is not True
        assert look.runs["tail"] <= 8 + RUNS + 2 * (LAST - FIRST + 1)


@pytest.mark.parametrize(
    ("along", "random", "levelled", "passed"),
    [
        ([AGREES, AGREES], [UNTOLD], [], True),
        ([AT_A_KINK, UNTOLD], [UNTOLD], [], True),
        ([UNTOLD] * 3, [UNTOLD] * 3, [UNTOLD] * 2, None),
        ([AGREES, DIFFERS], [UNTOLD], [], False),
        ([AGREES, AGREES, DIFFERS], [AGREES], [], True),
        ([DIFFERS, UNTOLD], [AGREES, AGREES], [AGREES, AGREES], False),
        ([AGREES, AGREES], [DIFFERS], [DIFFERS], True),
        ([AGREES, AGREES], [DIFFERS, DIFFERS], [AGREES], False),
        ([AGREES, AGREES], [AGREES], [DIFFERS, DIFFERS], False),
        ([AGREES], [UNTOLD], [AGREES, AGREES, DIFFERS], True),
        ([UNTOLD], [DIFFERS, AGREES, DIFFERS], [], False),
        ([UNTOLD], [], [AGREES], True),
        ([DIFFERS], [], [], False),
    ],
)
def test_no_kind_of_direction_may_disagree(
    along: list[str], random: list[str], levelled: list[str], passed: bool | None
) -> None:
    told = zip(KINDS, (along, random, levelled), strict=True)
    found = [Direction(kind, v, 0.0, 0.1, 0.0, 0.0) for kind, words in told for v in words]
    assert Numeric(tuple(found)).passed is passed
