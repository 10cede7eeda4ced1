"""Rows, channels and places of the inputs, from how a model uses them."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.finding.roles import batch_axis, follow, roles, row_axes
from backends.onnx.reading.prepare import prepare


def model_of(inputs: str, body: str, **weights: tuple[int, ...]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => (float y) {{ {body} }}'
    )
    for name, shape in weights.items():
        value = np.ones(shape, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


HEAD = " g = GlobalAveragePool(c) f = Flatten(g) y = MatMul(f, v)"
MODELS = {
    "a picture": ("float[N,3,8,8] x", "c = Conv(x, w)" + HEAD, {("x", 0)}, {("x", 1)}),
    "channels last": (
        "float[N,8,8,3] x",
        "t = Transpose<perm = [0,3,1,2]>(x) c = Conv(t, w)" + HEAD,
        {("x", 0)},
        {("x", 3)},
    ),
    "a spectrogram": (
        "float[N,8,6] x",
        "one = Constant<value = int64[1] {1}>() u = Unsqueeze(x, one) c = Conv(u, grey)" + HEAD,
        {("x", 0)},
        set(),
    ),
    "normalised first": (
        "float[N,8,8,3] x",
        "a = Mul(x, each) t = Transpose<perm = [0,3,1,2]>(a) c = Conv(t, w)" + HEAD,
        {("x", 0)},
        {("x", 3)},
    ),
    "features of a series": (
        "float[N,7,6] x",
        "h = MatMul(x, six) m = ReduceMean<axes = [1], keepdims = 0>(h) y = MatMul(m, v)",
        {("x", 0)},
        {("x", 2)},
    ),
    "patches cut by views": (
        "float[N,3,8,8] x",
        """q = Constant<value = int64[6] {0,3,2,4,2,4}>() a = Reshape(x, q)
        b = Transpose<perm = [0,2,4,3,5,1]>(a) r = Constant<value = int64[3] {0,4,48}>()
        c = Reshape(b, r) h = MatMul(c, patch) m = ReduceMean<axes = [1], keepdims = 0>(h)
        y = MatMul(m, v)""",
        {("x", 0)},
        {("x", 1)},
    ),
    "a clip of one score": (
        "float[8,3,8,8] x",
        "c = Conv(x, w)" + HEAD.replace("y =", "z =") + " y = ReduceMean<axes = [0]>(z)",
        set(),
        {("x", 1)},
    ),
    "captions and a picture": (
        "float[N,3,8,8] x, float[M,7,6] words",
        """c = Conv(x, w) g = GlobalAveragePool(c) f = Flatten(g)
        h = MatMul(words, six) m = ReduceMean<axes = [1], keepdims = 0>(h)
        t = Transpose<perm = [1,0]>(m) y = MatMul(f, t)""",
        {("x", 0)},
        {("x", 1), ("words", 2)},
    ),
    "a recurrent state": (
        "float[T,N,6] x, float[1,N,5] h",
        "s, e = GRU<hidden_size = 5>(x, gates, again, , , h)"
        " one = Constant<value = int64[1] {0}>() y = Squeeze(e, one)",
        {("x", 1), ("h", 1)},
        {("x", 2), ("h", 2)},
    ),
    "two pictures of a pair": (
        "float[N,3,8,8] x, float[N,3,8,8] z",
        "both = Sub(x, z) c = Conv(both, w)" + HEAD,
        {("x", 0), ("z", 0)},
        {("x", 1)},
    ),
}
WEIGHTS = {
    **{"w": (4, 3, 3, 3), "grey": (4, 1, 3, 3), "v": (4, 5), "each": (3,)},
    **{"six": (6, 4), "patch": (48, 4), "gates": (1, 15, 6), "again": (1, 15, 5)},
}


@pytest.mark.parametrize("name", MODELS)
def test_what_the_axes_are(name: str) -> None:
    inputs, body, batch, channels = MODELS[name]
    used = {n: shape for n, shape in WEIGHTS.items() if f" {n})" in body or f"{n}," in body}
    graph = prepare(model_of(inputs, body, **used))
    found = roles(graph, follow(graph), graph.tensors["y"])
    assert {(o.input, o.axis) for o in found.batch} == batch
    assert {(o.input, o.axis) for o in found.channels} == channels


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("y = Identity(x)", 0),
        ("y = Transpose<perm = [1,0,2]>(x)", 1),
        ("y = Transpose<perm = [1,2,0]>(x)", 2),
        ("y = ReduceMean<axes = [0], keepdims = 0>(x)", 0),
    ],
)
def test_the_batch_is_where_its_rows_are(body: str, where: int) -> None:
    graph = prepare(model_of("float[N,7,6] x", body))
    assert batch_axis(follow(graph).first["y"]) == where


PAIR = "both = Sub(x, z) c = Conv(both, w)" + HEAD
ROWS = {
    "a row each": ("float[N,3,8,8] x", "c = Conv(x, w)" + HEAD, {"x": 0}),
    "fixed at one": ("float[1,3,8,8] x, float[1,3,8,8] z", PAIR, {"x": 0, "z": 0}),
    "fixed at four": ("float[4,3,8,8] x", "c = Conv(x, w)" + HEAD, {"x": 0}),
    "a clip of one score": (
        "float[8,3,8,8] x",
        "c = Conv(x, w)" + HEAD.replace("y =", "z =") + " y = ReduceMean<axes = [0]>(z)",
        {},
    ),
    "clips of eight frames": (
        "float[16,3,8,8] x",
        "c = Conv(x, w)" + HEAD.replace("y =", "z =") + " q = Constant<value = int64[3] {2,8,5}>()"
        " r = Reshape(z, q) y = ReduceMean<axes = [1], keepdims = 0>(r)",
        {},
    ),
    "a batch that the exporter baked in": (
        "float[N,3,8,8] x",
        "c = Conv(x, w)" + HEAD.replace("y =", "z =") + " q = Constant<value = int64[2] {1,5}>()"
        " y = Reshape(z, q)",
        {"x": 0},
    ),
    "captions": (
        "float[N,3,8,8] x, float[M,7,6] words",
        MODELS["captions and a picture"][1],
        {"x": 0},
    ),
    "three captions of one picture": (
        "float[1,3,8,8] x, float[3,7,6] words",
        MODELS["captions and a picture"][1],
        {"x": 0},
    ),
    "one background of many": ("float[N,3,8,8] x, float[1,3,8,8] z", PAIR, {"x": 0}),
    "a scalar": (
        "float[N,3,8,8] x, float z",
        "m = Mul(x, z) c = Conv(m, w)" + HEAD,
        {"x": 0},
    ),
    "a state of two layers": (
        "float[N,3,8,8] x, float[2,N,5] state",
        "c = Conv(x, w)"
        + HEAD.replace("y =", "z =")
        + " s = ReduceMean<axes = [0], keepdims = 0>(state) y = Add(z, s)",
        {"x": 0, "state": 1},
    ),
    "steps first": (
        "float[T,N,6] x",
        "h = MatMul(x, six) m = ReduceMean<axes = [0], keepdims = 0>(h) y = MatMul(m, v)",
        {"x": 1},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_which_axis_counts_rows(name: str) -> None:
    inputs, body, expected = ROWS[name]
    graph = prepare(model_of(inputs, body, **WEIGHTS))
    found, score = follow(graph), graph.tensors["y"]
    assert row_axes(graph, found, roles(graph, found, score), score) == expected
