"""What integers stand for: their units, and where in a graph they are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.reading.units import (
    COMPUTES,
    SCALE,
    STAIRCASES,
    Units,
    behind_quantisers,
    channels_last,
    computes,
    dequantised,
    read_only_by,
    requantised,
    settled,
    units_of,
)
from tests.sessions import run
from tests.written import parsed

ONE = """s = Constant<value = float {0.25}>() z = Constant<value = uint8 {7}>()
    many = Constant<value = float[3] {0.5, 0.25, 2.0}>()
    zeros = Constant<value = uint8[3] {1, 0, 9}>() all = Constant<value_ints = [0, -1]>()
    grid = Constant<value = float[1,3] {0.5, 0.25, 2.0}>()"""
X = np.array([[0.3, -9.0, 0.374], [80.0, 0.0, -1.76]], np.float32)


def graph_of(body: str, y: str = "float[2,3] y", x: str = "float[2,3] x") -> Graph:
    return prepare(parsed(x, f"{ONE} {body}", y))


def quantised(scale: str, zero: str) -> Any:
    """The integers and the real numbers of X in onnxruntime, by one scale or one a column."""
    quantiser = f"q = QuantizeLinear<axis = 1>(x, {scale}, {zero})"
    body = f"{ONE} {quantiser} y = DequantizeLinear<axis = 1>(q, {scale}, {zero})"
    found = run(parsed("float[2,3] x", body, "float[2,3] y, uint8[2,3] q"), x=X)
    return found["q"], found["y"]


@pytest.mark.parametrize(("scale", "zero"), [("s", "z"), ("many", "zeros")])
def test_units_are_those_of_the_runtime(scale: str, zero: str) -> None:
    graph = graph_of(f"q = QuantizeLinear<axis = 1>(x, {scale}, {zero})", "uint8[2,3] q")
    units = units_of(graph, graph.tensors["q"])
    assert units is not None
    q, y = quantised(scale, zero)
    np.testing.assert_array_equal(units.quantised(X, np.uint8), q)
    np.testing.assert_array_equal(units.real(q), y)
    low, high = units.ends(np.uint8)
    bit = 1e-3 * units.scale
    beside = [units.quantised(x, np.uint8) for x in (low - bit, low + bit, high - bit, high + bit)]
    assert [{*found.ravel().tolist()} for found in beside] == [{0}, {1}, {254}, {255}]


def test_the_integers_nearest_to_a_number() -> None:
    units = Units(np.float32(0.5), np.float32(-3))
    x = np.array([-1000, -0.26, 0.24, 0.25, 0.75, 1000])
    assert units.quantised(x, np.int8).tolist() == [-128, -4, -3, -3, -1, 127]
    assert units.quantised(x, np.int8).dtype == np.int8


KNOWN = {
    "moved since": ("q = QuantizeLinear(x, s, z) m = Reshape(q, all)", 0.25, 7),
    "no zero point": ("m = QuantizeLinear(x, s)", 0.25, 0),
    "told by the reader": ("c = Cast<to = 2>(x) m = Neg(c) y = DequantizeLinear(m, s, z)", 0.25, 7),
}
UNKNOWN = {
    "of floating point": "m = Neg(x)",
    "nobody tells": "m = Cast<to = 2>(x)",
    "by a number of the run": "t = ReduceMax(x) m = QuantizeLinear(x, t, z)",
    "a scale a column, moved": "q = QuantizeLinear(x, many, zeros) m = Reshape(q, all)",
}


@pytest.mark.parametrize("what", KNOWN)
def test_units_are_found(what: str) -> None:
    body, scale, zero = KNOWN[what]
    graph = graph_of(body.replace("m = Neg(c)", "m = Identity(c)"), "uint8[2,3] m")
    units = units_of(graph, graph.tensors["m"])
    assert units is not None
    assert (float(units.scale), float(units.zero)) == (scale, zero)


@pytest.mark.parametrize("what", UNKNOWN)
def test_there_are_no_units(what: str) -> None:
    graph = graph_of(UNKNOWN[what], "float[2,3] m")
    assert units_of(graph, graph.tensors["m"]) is None


CHAIN = "a = Relu(x) q = QuantizeLinear(a, s, z) d = DequantizeLinear(q, s, z) y = Neg(d)"


def test_what_the_model_goes_on_with() -> None:
    graph = graph_of(CHAIN)
    t = graph.tensors
    assert behind_quantisers(graph, graph.producer["d"]).op == "Relu"
    assert settled(graph, t["a"]) is requantised(graph, t["a"]) is t["d"]
    assert settled(graph, t["d"]) is requantised(graph, t["d"]) is t["d"]
    assert read_only_by(graph, t["a"], "QuantizeLinear") is t["q"]
    assert read_only_by(graph, t["a"], "Neg") is None


def test_a_tensor_that_others_read_is_itself() -> None:
    for more, y in ((" b = Exp(a)", ("y", "b")), ("", ("y", "a"))):
        outputs = ", ".join(f"float[2,3] {name}" for name in y)
        graph = prepare(parsed("float[2,3] x", f"{ONE} {CHAIN}{more}", outputs))
        a = graph.tensors["a"]
        assert settled(graph, a) is requantised(graph, a) is a


def test_integers_that_two_read_are_what_is_settled() -> None:
    graph = graph_of(f"{CHAIN} e = DequantizeLinear(q, s, z)")
    assert settled(graph, graph.tensors["a"]) is graph.tensors["q"]
    assert requantised(graph, graph.tensors["a"]) is graph.tensors["d"]


def test_quantised_logits_become_real_by_one_node_more() -> None:
    graph = graph_of("y = QuantizeLinear(x, s, z)", "uint8[2,3] y")
    found = dequantised(graph, graph.tensors["y"])
    assert (found.name, found.dtype, found.shape) == ("cam.y", np.float32, (2, 3))
    assert [node.op for node in graph.extra] == ["DequantizeLinear"]
    assert graph.producer["cam.y"] is graph.extra[0] is graph.nodes[-1]
    assert [t.name for t in graph.extra[0].inputs] == ["y", "s", "z"]
    assert dequantised(graph, graph.tensors["y"]) is found
    assert len(graph.extra) == 1
    assert dequantised(graph, graph.tensors["x"]) is graph.tensors["x"]


def test_integer_operators_stand_for_float_ones() -> None:
    assert computes(gs.Node("QLinearConv")) == "Conv"
    assert computes(gs.Node("Gemm")) == "Gemm"
    assert set(COMPUTES) | set(SCALE) >= STAIRCASES - {"DynamicQuantizeLinear"}


@pytest.mark.parametrize(
    ("operator", "attrs", "last"),
    [("NhwcMaxPool", {}, True), ("MaxPool", {}, False), ("QLinearConv", {}, False),
     ("QLinearConv", {"channels_last": 1}, True), ("QLinearConv", {"channels_last": 0}, False)],
)  # fmt: skip
def test_maps_that_are_laid_out_channels_last(operator: str, attrs: Any, last: bool) -> None:
    assert channels_last(gs.Node(operator, attrs=attrs)) == last
