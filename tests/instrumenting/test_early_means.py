"""The mean of a gradient is taken before what is linear, and is the mean all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import instrument
from tests.sessions import open_session

SIDE, CHANNELS, CLASSES = 6, 4, 3
PLACES = SIDE * SIDE
WEIGHTS = {
    "k3": (6, CHANNELS, 3, 3),
    "k1": (6, CHANNELS, 1, 1),
    "grouped": (6, 2, 1, 1),
    "flat": (CHANNELS * 9, 5),
    "tall": (5, CHANNELS * PLACES),
    "turn": (PLACES, CHANNELS),
    "turns": (1, 1, PLACES, CHANNELS),
    "turn_rest": (PLACES - 2, CHANNELS),
    "square": (CHANNELS, CHANNELS),
    "wide": (CHANNELS, 7),
    "narrow": (7, CHANNELS),
    "of4": (CHANNELS, CLASSES),
    "of5": (5, CLASSES),
    "of6": (6, CLASSES),
    "ballast": (100, 200),
}
INTEGERS = {
    "tokens": [0, CHANNELS, PLACES],
    "cells": [0, CHANNELS, 9],
    "columns": [0, CHANNELS * 9],
    "first": 0,
    "zero": [0],
    "end": [2**31 - 1],
    "one": [1],
    "two": [2],
    "five": [5],
    "space": [1, 2],
    "parts": [2, PLACES - 2],
    "heads": [0, PLACES, 1, CHANNELS],
}
POOL = "p = MaxPool<kernel_shape=[2,2], strides=[2,2]>(a)"
HEAD = "g = GlobalAveragePool(z) f = Flatten(g) y = MatMul(f, of6)"
TOKENS = "v = Reshape(a, tokens) t = Transpose<perm=[0,2,1]>(v)"
ATTEND = "p = Softmax(s) h = MatMul(p, t) o = Gather<axis=1>(h, first) y = MatMul(o, of4)"

SPARED = {
    "1x1": f"c = Conv(a, k1) z = Relu(c) {HEAD}",
    "1x1 in groups": f"c = Conv<group=2>(a, grouped) z = Tanh(c) {HEAD}",
    "1x1 with stride": f"c = Conv<strides=[2,2]>(a, k1) z = Relu(c) {HEAD}",
    "1x1 with pads": f"c = Conv<pads=[1,1,1,1]>(a, k1) z = Relu(c) {HEAD}",
    "a sum": f"c = Conv(a, k1) r = Relu(c) d = Conv<strides=[2,2]>(a, k1) t = Tanh(d) "
    f"p = AveragePool<kernel_shape=[2,2], strides=[2,2]>(r) z = Mul(p, t) {HEAD}",
    "a difference and factors": f"h = Mul(a, half) n = Neg(h) c = Conv(n, k1) r = Relu(c) "
    f"e = Div(a, half) d = Conv(e, k1) t = Tanh(d) z = Sub(r, t) {HEAD}",
    "an identity": f"p = AveragePool<kernel_shape=[1,1]>(a) c = Conv(p, k1) z = Relu(c) {HEAD}",
    "channels that part": f"i, j = Split<axis=1, num_outputs=2>(a) n = Concat<axis=1>(j, i) "
    f"c = Conv(n, k1) z = Relu(c) {HEAD}",
    "a pool": f"{POOL} c = Conv(p, k3) z = Relu(c) {HEAD}",
    "an overlapping pool": f"p = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(a) "
    f"c = Conv(p, k3) z = Relu(c) {HEAD}",
    "a dilated pool": f"p = MaxPool<kernel_shape=[2,2], dilations=[3,2]>(a) c = Conv(p, k3) "
    f"z = Relu(c) {HEAD}",
    "a pool rounded up": f"p = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(a) "
    f"c = Conv(p, k3) z = Relu(c) {HEAD}",
    "flattened": f"{POOL} f = Flatten(p) m = MatMul(f, flat) r = Relu(m) y = MatMul(r, of5)",
    "flattened by steps": f"{POOL} v = Reshape(p, cells) w = Reshape(v, columns) "
    "m = MatMul(w, flat) r = Relu(m) y = MatMul(r, of5)",
    "Gemm": "f = Flatten(a) m = Gemm<transB=1>(f, tall) r = Relu(m) y = MatMul(r, of5)",
    "channels last": "t = Transpose<perm=[0,2,3,1]>(a) m = MatMul(t, square) r = Relu(m) "
    "g = ReduceMean<keepdims=0>(r, space) y = MatMul(g, of4)",
    "one token": f"{TOKENS} h = MatMul(t, square) c = Relu(h) o = Gather<axis=1>(c, first) "
    "y = MatMul(o, of4)",
    "some tokens": f"{TOKENS} h = MatMul(t, square) p = Slice(h, two, five, one) c = Relu(p) "
    "g = ReduceMean<keepdims=0>(c, one) y = MatMul(g, of4)",
    "tokens that part": f"{TOKENS} i, j = Split<axis=1>(t, parts) m = MatMul(j, square) "
    "r = Relu(m) n = MatMul(i, square) e = Tanh(n) k = Concat<axis=1>(r, e) "
    "g = ReduceMean<keepdims=0>(k, one) y = MatMul(g, of4)",
    "channels that are cut": f"{TOKENS} m = MatMul(t, wide) c = Slice(m, one, five, two) "
    "h = MatMul(c, square) r = Relu(h) g = ReduceMean<keepdims=0>(r, one) y = MatMul(g, of4)",
    "turned keys": f"{TOKENS} k = Mul(t, turn) l = Transpose<perm=[0,2,1]>(k) "
    f"q = MatMul(t, square) s = MatMul(q, l) {ATTEND}",
    "turned and scaled keys": f"{TOKENS} n = Neg(t) w = Reshape(n, heads) "
    "e = Transpose<perm=[0,2,1,3]>(w) d = Div(e, half) k = Mul(turns, d) "
    "l = Transpose<perm=[0,1,3,2]>(k) q = MatMul(t, square) u = Unsqueeze(q, one) "
    f"z = MatMul(u, l) s = Squeeze(z, one) {ATTEND}",
    "some turned keys": f"{TOKENS} i, j = Split<axis=1>(t, parts) m = Mul(j, turn_rest) "
    "k = Concat<axis=1>(i, m) l = Transpose<perm=[0,2,1]>(k) q = MatMul(t, square) "
    f"s = MatMul(q, l) {ATTEND}",
    "attention": f"{TOKENS} q = MatMul(t, square) s = MatMul(q, v) p = Softmax(s) "
    "h = MatMul(p, t) m = MatMul(h, wide) e = Gelu(m) n = MatMul(e, narrow) u = Add(n, h) "
    "o = Gather<axis=1>(u, first) y = MatMul(o, of4)",
}
"""Between layer and score: what lies at the layer's end of it is linear, the same at all places."""
NEEDED = {
    "3x3": f"c = Conv(a, k3) z = Relu(c) {HEAD}",
    "a rectifier": f"r = Relu(a) c = Conv(r, k1) z = Relu(c) {HEAD}",
    "a factor of each place": f"s = Sigmoid(b) n = Mul(a, s) c = Conv(n, k1) z = Relu(c) {HEAD}",
    "1x1 beside 3x3": f"c = Conv<pads=[1,1,1,1]>(a, k3) r = Relu(c) d = Conv(a, k1) t = Tanh(d) "
    f"z = Mul(r, t) {HEAD}",
}
"""Here the gradient of each place is needed."""
PRODUCTS = {"Conv", "ConvTranspose", "MatMul", "Gemm"}


def model(body: str) -> onnx.ModelProto:
    """The layer a is a convolution's, so that its layout is known; b is another map."""
    found = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 20]> g (float[N,2,{SIDE},{SIDE}] x) => '
        f"(float[N,{CLASSES}] y) {{ a = Conv(x, stem) b = Conv(x, other) {body} }}"
    )
    rng = np.random.default_rng(3)
    stems = dict.fromkeys(("stem", "other"), (CHANNELS, 2, 1, 1))
    values = {k: rng.normal(size=s).astype(np.float32) for k, s in {**WEIGHTS, **stems}.items()}
    values |= {name: np.array(value, np.int64) for name, value in INTEGERS.items()}
    values["half"] = np.array(0.5, np.float32)
    found.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in values.items()
    )
    return found


def alpha(source: onnx.ModelProto, **fed: Any) -> tuple[Any, Any]:
    """What the file gives, and the mean of the gradient that it gives beside it."""
    written = instrument(source, layer="a", outputs=["alpha", "gradients"])
    session = open_session(written)
    x = np.random.default_rng(4).normal(size=(2, 2, SIDE, SIDE)).astype(np.float32)
    names = ["cam_alpha", "cam_gradients"]
    found, G = session.run(names, {"x": x, "cam_class": np.array([0, 2]), **fed})
    return found, G.astype(np.float64).mean(axis=(2, 3))


def products(source: onnx.ModelProto) -> list[str]:
    """What is multiplied for most places where alpha alone is asked for."""
    return written(source, PRODUCTS)


def written(source: onnx.ModelProto, operators: set[str]) -> list[str]:
    """Which of these operators are written for most places then."""
    made = instrument(source, layer="a", outputs="alpha")
    known = onnx.shape_inference.infer_shapes(made, data_prop=True).graph
    cells = {
        info.name: np.prod([d.dim_value for d in info.type.tensor_type.shape.dim[1:]])
        for info in (*known.value_info, *known.output)
    }
    added = list(made.graph.node)[len(source.graph.node) :]
    return [n.op_type for n in added if n.op_type in operators and cells[n.output[0]] > 2 * PLACES]


@pytest.mark.parametrize("name", [*SPARED, *NEEDED])
def test_alpha_is_the_mean_of_the_gradient(name: str) -> None:
    got, expected = alpha(model((SPARED | NEEDED)[name]))
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", SPARED)
def test_no_product_is_made_for_all_places(name: str) -> None:
    assert not products(model(SPARED[name]))


@pytest.mark.parametrize("name", NEEDED)
def test_a_product_that_is_needed_is_made(name: str) -> None:
    assert products(model(NEEDED[name]))


def test_a_mean_of_tokens_behind_a_lone_one_is_not_spread() -> None:
    """The same number for each token, and none for the one in front of them."""
    lone = "w = Reshape(b, tokens) u = Transpose<perm=[0,2,1]>(w) e = Slice(u, zero, one, one)"
    body = f"{TOKENS} {lone} c = Concat<axis=1>(e, t) d = Slice(c, one, end, one)"
    source = model(f"{body} g = ReduceMean<keepdims=0>(d, one) y = MatMul(g, of4)")
    assert not written(source, {"Expand", "Pad", "Slice", "Transpose", "Reshape", "Tile"})
    got, expected = alpha(source)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in SPARED if "pool" in name])
def test_a_pool_need_not_route(name: str) -> None:
    source = model(SPARED[name])
    added = instrument(source, layer="a", target=1, outputs="alpha").graph.node
    assert not {"Equal", "MaxPool"} & {n.op_type for n in added[len(source.graph.node) :]}


def test_means_of_weights_make_the_file_two_percent_larger_at_most() -> None:
    source = model(SPARED["flattened"])
    held = source.graph.initializer
    assert (5, CHANNELS) in means_of_weights(source)
    for name in ("ballast", "tall", "turn", "turns", "turn_rest"):
        held.remove(next(t for t in held if t.name == name))
    assert (5, CHANNELS) not in means_of_weights(source)
    got, expected = alpha(source)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def means_of_weights(source: onnx.ModelProto, **options: Any) -> list[tuple[int, ...]]:
    """Shapes of the constants that were added to the file."""
    added = instrument(source, outputs="alpha", **{"layer": "a", **options}).graph.initializer
    return [tuple(t.dims) for t in added[len(source.graph.initializer) :]]


@pytest.mark.parametrize("options", [{"target": "top:3"}, {"layer": ["a", "p"]}], ids=str)
def test_the_means_of_a_weight_are_kept_once(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "backends.onnx.writing.emit.FOLD_LIMIT", 4
    )  # above it, equal constants are two
    assert means_of_weights(model(SPARED["flattened"]), **options).count((5, CHANNELS)) == 1


def test_the_limit_is_for_all_weights_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three heads there is room for the means of two."""
    head = "f{0} = Flatten(a) m{0} = Gemm<transB=1>(f{0}, t{0}) r{0} = Relu(m{0}) "
    heads = " ".join(head.format(i) + f"y{i} = MatMul(r{i}, of5)" for i in range(3))
    source = model(f"{heads} z = Add(y0, y1) y = Add(z, y2)")
    rng, held = np.random.default_rng(5), source.graph.initializer
    held.extend(
        onnx.numpy_helper.from_array(rng.normal(size=WEIGHTS["tall"]).astype("f4"), f"t{i}")
        for i in range(3)
    )
    assert means_of_weights(source).count((5, CHANNELS)) == 3
    room = 2.5 * 5 * CHANNELS / sum(np.prod(t.dims) for t in held)
    monkeypatch.setattr("backends.onnx.instrumenting.view_means.GROWTH", room)
    assert means_of_weights(source).count((5, CHANNELS)) == 2


def test_a_weight_that_a_feed_overrides_is_read_at_run_time() -> None:
    source = model(SPARED["flattened"])
    (flat,) = (t for t in source.graph.initializer if t.name == "flat")
    given = onnx.helper.make_tensor_value_info("flat", flat.data_type, flat.dims)
    source.graph.input.append(given)
    other = np.random.default_rng(8).normal(size=WEIGHTS["flat"]).astype(np.float32)
    got, expected = alpha(source, flat=other)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_a_map_with_hundreds_of_readers() -> None:
    branches = " ".join(f"c{i} = Conv(a, k1) t{i} = Tanh(c{i})" for i in range(400))
    total = ", ".join(f"t{i}" for i in range(400))
    got, expected = alpha(model(f"{branches} z = Sum({total}) {HEAD}"))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_a_computed_matrix_of_unknown_width() -> None:
    body = "f = Reshape(a, row) w = Reshape(b, pairs) y = MatMul(f, w)"
    source = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 20]> g (float[1,2,L] x, float[1,2,L] u) => '
        f"(float[1,2] y) {{ a = Conv(x, one) b = Conv(u, two) {body} }}"
    )
    values = {"one": np.ones((1, 2, 1), np.float32), "two": np.ones((2, 2, 1), np.float32)}
    values |= {"row": np.array([1, -1]), "pairs": np.array([-1, 2])}
    source.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in values.items()
    )
    written = instrument(source, layer="a", outputs=["alpha", "gradients"])
    session = open_session(written)
    rng = np.random.default_rng(2)
    feed = {name: rng.normal(size=(1, 2, 5)).astype(np.float32) for name in ("x", "u")}
    names = ["cam_alpha", "cam_gradients"]
    got, G = session.run(names, {**feed, "cam_class": np.array([1])})
    np.testing.assert_allclose(got, G.mean(axis=2), rtol=1e-5)
