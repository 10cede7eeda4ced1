"""The walk over whole graphs: bodies, pads of a convolution's own, what is lost and why."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.finding import axes as room
from backends.onnx.finding.axes import table
from backends.onnx.finding.axes.factors import Axes, Given, leaves
from tests.finding.axes.tracers import axes_of, losses, said


def model_of(body: str, inputs: str, **weights: tuple[int, ...]) -> onnx.ModelProto:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => (float y) {{ {body} }}'
    )
    rng = np.random.default_rng(1)
    for name, shape in weights.items():
        value = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def windows(axes: Axes) -> list[list[tuple[int, Fraction, Fraction]]]:
    """(axis of the input, start, width of a cell) of every factor that is known."""
    return [
        [(f.origin.axis, f.start, f.width) for f in axis if isinstance(f.origin, Given)]
        for axis in axes
    ]


PADS = "p = Constant<value = int64[8] {{0,0,{0},{0},0,0,{0},{0}}}>() a = Pad(x, p) "


def test_a_pad_for_a_convolution_alone_counts_as_its_own() -> None:
    """Keras writes ZeroPadding2D and a convolution without pads."""
    body = PADS.format(3) + "y = Conv<strides = [2,2]>(a, w)"
    apart = axes_of(model_of(body, "float[1,3,32,32] x", w=(4, 3, 7, 7)))["y"]
    own = "y = Conv<strides = [2,2], pads = [3,3,3,3]>(x, w)"
    assert apart == axes_of(model_of(own, "float[1,3,32,32] x", w=(4, 3, 7, 7)))["y"]
    assert windows(apart)[2:] == [[(2, 0, 2)], [(3, 0, 2)]]


def test_a_letterbox_widens_the_window() -> None:
    body = PADS.format(16) + "y = Conv<strides = [2,2]>(a, w)"
    axes = axes_of(model_of(body, "float[1,3,32,32] x", w=(4, 3, 2, 2)))["y"]
    assert windows(axes)[2:] == [[(2, -16, 2)], [(3, -16, 2)]]


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ("y = Relu(x)", {0, 1, 2, 3}),
        ("y = ReduceMean<axes = [2,3], keepdims = 0>(x)", {0, 1}),
        ("y = Flatten(x)", {0, 1, 2, 3}),
        ("f = Flatten(x) y = MatMul(f, v)", {0}),
        ("y = Conv<pads = [1,1,1,1]>(x, w)", {0, 2, 3}),
    ],
)
def test_what_stays_known(body: str, known: set[int]) -> None:
    model = model_of(body, "float[2,3,4,5] x", w=(7, 3, 3, 3), v=(60, 4))
    assert {axis for _, axis in said(axes_of(model)["y"])} == known


def test_a_branch_is_followed_through_both_of_its_bodies() -> None:
    body = """m = ReduceMax<keepdims = 0>(x) c = Greater(m, z)
        y = If(c)<then_branch = t () => (float[2,3,4,5] a) { a = Relu(x) },
                  else_branch = e () => (float[2,3,4,5] b) { b = Neg(x) }>"""
    text = body.replace("Greater(m, z)", "Greater(m, m)")
    axes = axes_of(model_of(text, "float[2,3,4,5] x"))["y"]
    assert {axis for _, axis in said(axes)} == {0, 1, 2, 3}


def test_what_the_numbers_choose_is_lost_at_the_node_that_chooses() -> None:
    body = "k = Constant<value = int64[1] {2}>() v, i = TopK<axis = 2>(x, k) y = Relu(v)"
    model = model_of(body, "float[2,3,4,5] x")
    axes = axes_of(model)["y"]
    (lost,) = losses(axes)
    assert lost.why == "by TopK"
    assert {axis for _, axis in said(axes)} == {0, 1, 3}


def test_two_inputs_are_told_apart() -> None:
    body = "y = Concat<axis = 1>(a, b)"
    axes = axes_of(model_of(body, "float[1,3,4,5] a, float[1,2,4,5] b"))["y"]
    found = {origin.input for origin in leaves(axes[1]) if isinstance(origin, Given)}
    assert found == {"a", "b"}


def test_the_door_of_third_parties_is_the_function() -> None:
    """A module of its name would take its place."""
    assert callable(room.moves)
    assert room.moves is table.moves
