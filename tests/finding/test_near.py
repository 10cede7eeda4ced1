"""Cells near by: what a disturbed cell of the first tensor moves, it moves within reach alone."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.finding.near import near
from tests.gradients import recognised
from tests.sessions import run

BODY = """<ir_version: 8, opset_import: ["" : 17]>
net (float[1, 4, 7, 6] x) => (float[1, 4, 7, 6] y)
<float[1, 4, 1, 1] each = {{1.0, 2.0, 3.0, 4.0}}, int64[1] c = {{1}}, int64[1] a = {{0}},
 int64[1] b = {{2}}, int64[1] h = {{2}}>
{{ {body} }}"""
ROWS = {
    "y = Sigmoid(x)": (0, 0),
    "s = Sigmoid(x) y = Mul(x, s)": (0, 0),
    "y = Mul(x, each)": (0, 0),
    "y = Conv<pads = [1,1,1,1]>(x, k3)": (1, 1),
    "y = Conv<pads = [2,1,2,1], dilations = [2, 1]>(x, k3)": (2, 1),
    "t = Conv<pads = [1,1,1,1]>(x, k3) y = Conv<pads = [0,2,2,0]>(t, k3)": (3, 3),
    "t = Conv<pads = [1,1,1,1]>(x, k3) u = Conv(x, k1) y = Concat<axis = 1>(t, u)": (1, 1),
    "y = Softmax<axis = 1>(x)": (0, 0),
    "y = Slice(x, a, b, c)": (0, 0),
    "y = Transpose<perm = [0, 2, 3, 1]>(x)": (0, 0),
}
FARTHER = {
    "a convolution by steps": "y = Conv<pads = [1,1,1,1], strides = [2, 2]>(x, k3)",
    "fewer cells": "y = Conv(x, k3)",
    "all rows": "y = Softmax<axis = 2>(x)",
    "a part of them": "y = Slice(x, a, b, h)",
    "a number of its own for each cell": "y = Add(x, cells)",
    "one behind the other": "y = Concat<axis = 3>(x, x)",
    "what else was fed": "m = GlobalAveragePool(x) y = Mul(x, m)",
    "a sum": "y = ReduceSum(x, h)",
}


def model(body: str) -> onnx.ModelProto:
    found = onnx.parser.parse_model(BODY.format(body=body))
    del found.graph.output[0].type.tensor_type.shape.dim[:]
    found.graph.output[0].type.tensor_type.ClearField("shape")
    rng = np.random.default_rng(0)
    for name, shape in {"k3": (4, 4, 3, 3), "k1": (2, 4, 1, 1), "cells": (1, 1, 7, 6)}.items():
        weight = rng.normal(size=shape).astype(np.float32)
        found.graph.initializer.append(numpy_helper.from_array(weight, name))
    return found


@pytest.mark.parametrize("body", ROWS)
def test_a_cell_moves_those_within_reach_and_no_others(body: str) -> None:
    net = model(body)
    graph = recognised(net)
    here = near(graph, graph.inputs[0], (2, 3))["y"]
    assert here.reach == ROWS[body]
    x = np.random.default_rng(1).normal(size=(1, 4, 7, 6)).astype(np.float32)
    other, cell = x.copy(), (3, 2)
    other[0, :, 3, 2] += np.float32([1, -2, 0.5, 1.5])
    moved = np.abs(run(net, {"x": x})["y"] - run(net, {"x": other})["y"])
    rest = tuple(i for i in range(4) if i not in here.axes)
    at = np.argwhere(moved.max(axis=rest) > 1e-6)  # a place that is not moved is computed alike
    apart = np.abs(at - cell)
    assert (apart.max(axis=0) <= here.reach).all()
    assert (apart.max(axis=0) == here.reach).all()  # as far as it says


@pytest.mark.parametrize("body", ROWS)
def test_rows_are_for_themselves(body: str) -> None:
    """A row that is disturbed moves no other."""
    net = model(body)
    net.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    graph = recognised(net)
    here = near(graph, graph.inputs[0], (0, 2, 3))["y"]
    assert here.reach == (0, *ROWS[body])
    x = np.random.default_rng(1).normal(size=(2, 4, 7, 6)).astype(np.float32)
    other = x * np.float32([1, 3]).reshape(2, 1, 1, 1)
    moved = np.abs(run(net, {"x": x})["y"] - run(net, {"x": other})["y"])
    rest = tuple(i for i in range(4) if i != here.axes[0])
    assert (moved.max(axis=rest) > 0).tolist() == [False, True]


@pytest.mark.parametrize("body", ["y = Softmax<axis = 0>(x)", "y = Concat<axis = 0>(x, x)"])
def test_rows_that_are_mixed_are_not_near(body: str) -> None:
    graph = recognised(model(body))
    assert "y" in near(graph, graph.inputs[0], (2, 3))
    assert "y" not in near(graph, graph.inputs[0], (0, 2, 3))


@pytest.mark.parametrize("body", FARTHER.values(), ids=FARTHER)
def test_what_is_made_of_other_cells_is_not_near(body: str) -> None:
    graph = recognised(model(body))
    assert "y" not in near(graph, graph.inputs[0], (2, 3))


def test_axes_are_followed_where_they_go() -> None:
    graph = recognised(model("y = Transpose<perm = [0, 2, 3, 1]>(x)"))
    assert near(graph, graph.inputs[0], (2, 3))["y"].axes == (1, 2)
    assert near(graph, graph.inputs[0], (1,))["y"].axes == (3,)


def test_a_softmax_that_flattens_is_along_all_of_them() -> None:
    net = model("y = Softmax<axis = 1>(x)")
    net.opset_import[0].version = 11
    graph = recognised(net)
    assert "y" not in near(graph, graph.inputs[0], (2, 3))
