"""Open extents that weights decide: what is found is what onnxruntime takes, and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from backends.onnx.reading.demands import (
    MEETING,
    Demand,
    Limit,
    made_of,
    settled,
    unmet,
    within,
)
from backends.onnx.reading.prepare import prepare
from backends.onnx.reading.probes import Pairs
from tests.sessions import run
from tests.written import parsed

RNG = np.random.default_rng(2)


class Case(NamedTuple):
    note: str
    declared: str
    body: str
    weights: dict[str, Any]
    decided: tuple[Any, ...]
    """The extents of x, None where one stays open."""
    refused: tuple[int, ...] = ()
    """A shape that onnxruntime takes no more."""


TOKENS = """p = Conv<strides = [{s}, {s}], pads = [{p}, {p}, {p}, {p}]>(x, w)
    r = Reshape(p, flat) t = Transpose<perm = [0, 2, 1]>(r) """
FLAT = {"flat": np.array([0, 4, -1])}
FLATTENED = "p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x) "


def kernel(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


CASES = [
    Case(
        "class token and positions",
        "N,C,H,W",
        TOKENS.format(s=16, p=0) + """s = Shape(x) n = Slice(s, zero, one)
            e = Concat<axis = 0>(n, rest) k = Expand(token, e)
            c = Concat<axis = 1>(k, t) y = Add(c, pos)""",
        FLAT
        | {"w": kernel(4, 3, 16, 16), "pos": kernel(1, 197, 4), "token": kernel(1, 1, 4)}
        | {"zero": np.array([0]), "one": np.array([1]), "rest": np.array([1, 4])},
        (None, 3, 224, 224),
        (1, 3, 240, 240),
    ),
    Case(
        "the multiple of the patch, though others fit",
        "N,3,H,W",
        TOKENS.format(s=7, p=0) + "y = Add(pos, t)",
        FLAT | {"w": kernel(4, 3, 7, 7), "pos": kernel(1, 25, 4)},
        (None, 3, 35, 35),
        (1, 3, 42, 42),
    ),
    Case(
        "a padded stem",
        "N,3,H,W",
        TOKENS.format(s=4, p=3) + "y = Mul(t, pos)",
        FLAT | {"w": kernel(4, 3, 7, 7), "pos": kernel(1, 64, 4)},
        (None, 3, 32, 32),
        (1, 3, 33, 33),
    ),
    Case(
        "positions of a height that is known",
        "N,3,16,W",
        TOKENS.format(s=4, p=0) + "y = Add(t, pos)",
        FLAT | {"w": kernel(4, 3, 4, 4), "pos": kernel(1, 24, 4)},
        (None, 3, 16, 24),
        (1, 3, 16, 28),
    ),
    Case(
        "a linear layer after Flatten",
        "N,C,H,W",
        "c = Conv(x, w) " + FLATTENED.replace("(x)", "(c)") + "f = Flatten(p) y = MatMul(f, v)",
        {"w": kernel(4, 2, 3, 3), "v": kernel(4 * 7 * 7, 5)},
        (None, 2, 16, 16),
        (1, 2, 18, 18),
    ),
    Case(
        "a transposed Gemm",
        "N,2,H,W",
        FLATTENED + "f = Flatten(p) y = Gemm<transB = 1>(f, v)",
        {"v": kernel(5, 2 * 7 * 7)},
        (None, 2, 14, 14),
        (1, 2, 16, 16),
    ),
    Case(
        "a Reshape to rows of fixed length",
        "N,2,H,W",
        FLATTENED + "f = Reshape(p, to) y = Gemm(f, v)",
        {"v": kernel(2 * 9 * 9, 5), "to": np.array([-1, 2 * 9 * 9])},
        (None, 2, 18, 18),
        (1, 2, 20, 20),
    ),
    Case("words and their places", "N,T,8", "y = Add(x, pos)", {"pos": kernel(1, 20, 8)},
         (None, 20, 8), (1, 21, 8)),
    Case("tokens that are mixed", "N,T,8", "y = MatMul(v, x)", {"v": kernel(6, 20)},
         (None, 20, 8), (1, 21, 8)),
    Case("channels in groups", "N,C,9,9", "y = Conv<group = 2>(x, w)", {"w": kernel(4, 3, 3, 3)},
         (None, 6, 9, 9), (1, 3, 9, 9)),
    Case("channels of a transposed convolution", "N,C,9,9", "y = ConvTranspose<group = 2>(x, w)",
         {"w": kernel(4, 3, 3, 3)}, (None, 4, 9, 9), (1, 8, 9, 9)),
    Case("features of a recurrent layer", "T,2,I", "y, h = GRU<hidden_size = 3>(x, w, r)",
         {"w": kernel(1, 9, 5), "r": kernel(1, 9, 3)}, (None, 2, 5), (4, 2, 6)),
    Case("half a weight by arithmetic", "N,T,8", "q = Concat<axis = 1>(pos, pos) y = Add(x, q)",
         {"pos": kernel(1, 10, 8)}, (None, 20, 8), (1, 21, 8)),
    Case("no square fits", "N,3,H,W", TOKENS.format(s=4, p=0) + "y = Add(t, pos)",
         FLAT | {"w": kernel(4, 3, 4, 4), "pos": kernel(1, 24, 4)}, (None, 3, None, None)),
    Case("a number for all", "N,T,8", "y = Add(x, pos)", {"pos": kernel(1, 1, 8)}, (None, None, 8)),
    Case("places that follow the input", "N,T,8", """s = Shape(x) n = Slice(s, one, two)
         q = Slice(pos, zero, n, one) y = Add(x, q)""",
         {"pos": kernel(1, 999, 8), "zero": np.array([0]), "one": np.array([1]),
          "two": np.array([2])}, (None, None, 8)),
    Case("the batch is not for weights to say", "N,8", "y = Add(x, v)", {"v": kernel(3, 8)},
         (None, 8)),
    Case("nor what the batch has a part in", "N,T,8", "f = Reshape(x, to) y = Add(f, v)",
         {"v": kernel(200, 8), "to": np.array([-1, 8])}, (None, None, 8)),
]  # fmt: skip


def model(case: Case) -> onnx.ModelProto:
    found = parsed(f"float[{case.declared}] x", case.body, "float[A] y")
    found.graph.output[0].type.tensor_type.ClearField("shape")
    for name, value in case.weights.items():
        found.graph.initializer.append(numpy_helper.from_array(value, name))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.note)
def test_weights_decide_what_they_can(case: Case) -> None:
    net = model(case)
    shape = prepare(net).tensors["x"].shape
    assert tuple(d if isinstance(d, int) else None for d in shape) == case.decided
    if case.refused:
        run(net, x=np.zeros([2 if d is None else d for d in case.decided], np.float32))
        with pytest.raises(Exception, match="ONNXRuntimeError"):
            run(net, x=np.zeros(case.refused, np.float32))


def test_what_was_decided_is_known_behind_it() -> None:
    graph = prepare(model(CASES[0]))
    assert graph.tensors["y"].shape == ("N", 197, 4)
    assert graph.probed["H"] == graph.probed["W"] == (224, 224)


CALLS: dict[str, tuple[str, dict[int, tuple[int, ...]]]] = {
    "Conv": ("Conv(a0, a1)", {0: (1, 4, 5, 5), 1: (2, 4, 3, 3)}),
    "ConvInteger": ("ConvInteger(a0, a1)", {0: (1, 4, 5, 5), 1: (2, 4, 3, 3)}),
    "QLinearConv": ("QLinearConv(a0, s, z, a3, s, z, s, z)",
                    {0: (1, 4, 5, 5), 3: (2, 4, 3, 3)}),
    "ConvTranspose": ("ConvTranspose(a0, a1)", {0: (1, 4, 5, 5), 1: (4, 2, 3, 3)}),
    "BatchNormalization": ("BatchNormalization(a0, a1, a1, a1, a1)", {0: (1, 4, 5), 1: (4,)}),
    "Gemm": ("Gemm(a0, a1)", {0: (2, 4), 1: (4, 3)}),
    "MatMul": ("MatMul(a0, a1)", {0: (2, 4), 1: (4, 3)}),
    "RNN": ("RNN<hidden_size = 2>(a0, a1, r)", {0: (3, 1, 4), 1: (1, 2, 4)}),
    "GRU": ("GRU<hidden_size = 2>(a0, a1, r)", {0: (3, 1, 4), 1: (1, 6, 4)}),
    "LSTM": ("LSTM<hidden_size = 2>(a0, a1, r)", {0: (3, 1, 4), 1: (1, 8, 4)}),
}  # fmt: skip
"""A call that runs, and the shapes of the two inputs that meet."""


@pytest.mark.parametrize("row", MEETING, ids=lambda row: f"{row[0]} {row[1][0]}")
def test_every_row_is_what_onnxruntime_demands(row: Any) -> None:
    """Wherever a row says that axes are equal, others are refused, and these are not."""
    operator, (mine, axis), (theirs, other) = row
    call, shapes = CALLS[operator]
    integers = operator in ("ConvInteger", "QLinearConv")
    assert shapes[mine][axis] == shapes[theirs][other]
    for extent in (4, 5):
        given = dict(shapes)
        longer = list(given[mine])
        longer[axis] = extent
        given[mine] = tuple(longer)
        kind = "uint8" if integers else "float"
        declared = [f"{kind}[{','.join('?' for _ in s)}] a{i}" for i, s in given.items()]
        out = "h" if operator in ("RNN", "GRU", "LSTM") else "y"
        text = f"{'k, ' if out == 'h' else ''}{out} = {call}"
        one = "int32" if operator == "ConvInteger" else kind
        net = parsed(", ".join(declared), text, f"{one} {out}", opset=14)
        net.graph.output[0].type.tensor_type.ClearField("shape")
        width = {"RNN": 2, "GRU": 6, "LSTM": 8}.get(operator, 1)
        for name, value in (("s", np.float32(1)), ("z", np.uint8(0)), ("r", kernel(1, width, 2))):
            if f" {name}" in text:
                net.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        feed = {f"a{i}": np.ones(s, np.uint8 if integers else np.float32) for i, s in given.items()}
        node, types = net.graph.node[0], {}
        for i, s in given.items():
            types[f"a{i}"] = helper.make_tensor_type_proto(1, s)
        found = [*unmet(node, types, {}, {f"a{theirs}"})]
        if extent == 4:
            run(net, feed)
            assert found == []
        else:
            with pytest.raises(Exception, match="ONNXRuntimeError"):
                run(net, feed)
            assert found == [Demand(f"a{mine}", (axis % len(given[mine]),), 4)]


PAIRS: Pairs = {"N": (5, 7), "H": (224, 288), "W": (256, 320)}


@pytest.mark.parametrize(
    ("count", "formula", "found"),
    [
        (196, lambda e: (e["H"] // 16) * (e["W"] // 16), {"H": (224, 224), "W": (224, 224)}),
        (56, lambda e: (e["H"] + 2) // 4, {"H": (224, 224)}),
        (3, lambda e: e["W"], {"W": (3, 3)}),
        (195, lambda e: (e["H"] // 16) * (e["W"] // 16), {}),
        (3, lambda e: 9, {}),
        (3, lambda e: min(e["H"], 3) if e["H"] != 224 else 2, {}),
        (50, lambda e: e["N"] * e["H"], {}),
    ],
)
def test_the_extent_that_the_strides_divide(count: int, formula: Any, found: Pairs) -> None:
    assert settled(Demand("t", (1,), count), PAIRS, ["H", "W"], formula) == found


def test_what_is_made_of_weights_alone() -> None:
    body = """a = Neg(w) b = Add(a, w) c = Add(b, x) d = Neg(c)
        e = If (go) <then_branch = t () => (p) { p = Neg(x) },
                     else_branch = f () => (q) { q = Neg(w) }>"""
    graph = parsed("float[2] x, float[2] w, bool go", body, "float[2] e").graph
    assert made_of(graph, ["w", "go"]) == {"w", "go", "a", "b"}


POSITIONS = """<ir_version: 8, opset_import: ["" : 17]> net (int64[N, T] x) => (float[N, T, 4] y) {
    s = Shape(x) last = Constant<value = int64[1] {1}>() e = Gather(s, last)
    first = Constant<value = int64[1] {0}>() p = Slice(places, first, e, last)
    a = Gather(words, x) b = Gather(table, p) y = Add(a, b) }"""


def test_a_text_is_probed_no_longer_than_its_table_of_positions() -> None:
    """Of 12 positions: its length stays open, and what is added to them has a shape."""
    model = onnx.parser.parse_model(POSITIONS)
    weights = {"places": np.arange(12)[None], "words": kernel(9, 4), "table": kernel(12, 4)}
    for name, value in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    graph = prepare(model)
    low, high = graph.probed["T"]
    assert low < high <= 12
    rows, length, width = next(t.shape for t in graph.outputs)
    assert (rows, length, width) == ("N", "T", 4)
    assert run(model, x=np.zeros((2, 7), np.int64))["y"].shape == (2, 7, 4)


def test_numbers_within_a_table() -> None:
    """Of the extent that its end is, where that is open; of several tables the shortest."""
    pairs = {"T": (224, 288), "H": (256, 320), "W": (64, 64)}
    limits = [Limit(224, 77), Limit(288, 77), Limit(320, 50), Limit(64, 9), Limit(999, 5)]
    assert within(limits, pairs, ["T", "W"]) == {"T": (39, 77)}
    assert within([*limits, Limit(288, 20)], pairs, pairs) == {"T": (11, 20), "H": (26, 50)}
    assert within([Limit(224, 1)], pairs, pairs) == {}
