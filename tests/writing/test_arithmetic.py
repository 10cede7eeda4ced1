"""What steps write alike, in onnxruntime, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.reading.graph import BFLOAT16
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.arithmetic import (
    above_zero,
    along_axis,
    as_float32,
    at_least_float32,
    in_real_units,
    real,
    sign,
    transposed,
    widened,
    zeros,
    zeros_of_size,
)
from backends.onnx.writing.emit import Emitter
from tests.written import emitter, parsed, values


@pytest.mark.parametrize(
    ("kind", "least", "exact"),
    [("float16", np.float32, np.float32), ("float", np.float32, np.float32),
     ("double", np.float64, np.float32), ("bfloat16", np.float32, np.float32)],
)  # fmt: skip
def test_conversions(kind: str, least: Any, exact: Any) -> None:
    op = emitter(f"{kind}[2] x", 13)
    x = op.graph.tensors["x"]
    assert at_least_float32(op, x).dtype == least
    assert as_float32(op, x).dtype == exact
    assert widened(op, x).dtype == (np.float32 if kind == "bfloat16" else x.dtype)
    written = {"float16": 1, "float": 0, "double": 1, "bfloat16": 1}
    assert [node.op for node in op.nodes] == ["Cast"] * written[kind]


def test_a_constant_in_bfloat16_is_widened_here() -> None:
    op = emitter("float[2] x")
    found = widened(op, op.constant(np.array([1.5, -2.0]).astype(BFLOAT16)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(op.value(found), [1.5, -2.0])
    assert not op.nodes
    nothing = gs.Variable.empty()
    assert widened(op, nothing) is nothing


def test_the_sign_of_a_number() -> None:
    op = emitter("float[5] x")
    x = np.array([-2.5, -0.0, 0.0, 1e-30, np.inf], np.float32)
    found = sign(op, op.graph.tensors["x"])
    np.testing.assert_array_equal(values(op, found, x=x)[0], np.sign(x))
    assert "Sign" not in {node.op for node in op.nodes}


@pytest.mark.parametrize("make", [zeros, zeros_of_size], ids=lambda make: make.__name__)
@pytest.mark.parametrize("kind", ["float", "float16", "double"])
def test_zeros_have_the_shape_and_type(make: Any, kind: str) -> None:
    op = emitter(f"{kind}[N,3] x")
    x = op.graph.tensors["x"]
    found = make(op, x)
    (value,) = values(op, found, x=np.ones((2, 3), x.dtype))
    np.testing.assert_array_equal(value, np.zeros((2, 3)))


def test_the_last_two_axes_are_exchanged(rng: np.random.Generator) -> None:
    op = emitter("float[N,2,3,4] x, float[3,5] w")
    x = rng.normal(size=(2, 2, 3, 4)).astype(np.float32)
    w = rng.normal(size=(3, 5)).astype(np.float32)
    made = [transposed(op, op.graph.tensors[name]) for name in "xw"]
    for found, given in zip(values(op, *made, x=x, w=w), (x, w), strict=True):
        np.testing.assert_array_equal(found, np.swapaxes(given, -1, -2))


@pytest.mark.parametrize(
    ("axis", "scale", "zero"),
    [
        (None, np.float32(0.5), np.uint8(7)),
        (None, np.float32(0.5), None),
        (1, np.array([0.5, 0.25, 2], np.float32), np.array([1, 0, 9], np.uint8)),
        (-3, np.array([0.5, 0.25], np.float32), np.array([1, 3], np.uint8)),
        (2, np.array([0.5, 0.25, 2, 1], np.float32), np.uint8(3)),
        (1, np.array([0.5], np.float32), np.array([4], np.uint8)),
        (None, np.array([[0.5], [1], [2]], np.float32), np.array([[1], [2], [0]], np.uint8)),
        (None, np.float64(0.5), np.uint8(7)),
    ],
    ids=["one", "no zero", "an axis", "from the end", "the last axis", "a vector of one",
         "broadcast", "in float64"],
)  # fmt: skip
def test_integers_in_real_units(
    axis: int | None, scale: Any, zero: Any, rng: np.random.Generator
) -> None:
    op = emitter("uint8[2,3,4] q")
    q = rng.integers(0, 256, (2, 3, 4)).astype(np.uint8)
    asked = [None if v is None else op.constant(np.asarray(v)) for v in (scale, zero)]
    found = real(op, op.graph.tensors["q"], *asked, axis=axis)
    expected = np.zeros(q.shape)
    for at in np.ndindex(q.shape):
        one = [_at(v, at, axis) for v in (scale, 0 if zero is None else zero)]
        expected[at] = (float(q[at]) - one[1]) * one[0]
    (value,) = values(op, found, q=q)
    assert value.dtype == np.asarray(scale).dtype
    np.testing.assert_array_equal(value, expected)


def _at(v: Any, at: tuple[int, ...], axis: int | None) -> float:
    """The number that stands for one place."""
    v = np.asarray(v)
    if v.ndim == 1 and v.size > 1:
        return float(v[at[axis or 0]])
    return float(np.broadcast_to(v, (2, 3, 4))[at])


def test_a_zero_point_of_zero_costs_nothing() -> None:
    op = emitter("int8[2,3] q, int8 z")
    q = op.graph.tensors["q"]
    above_zero(op, q, op.constant(np.zeros(3, np.int8)), 1)
    assert [node.op for node in op.nodes] == ["Cast"]
    above_zero(op, q, op.graph.tensors["z"])
    assert [node.op for node in op.nodes] == ["Cast", "Cast", "Sub"]


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (3, 1)), (-2, (3, 1)), (1, (3,)), (-1, (3,)), (None, (3,))]
)
def test_a_vector_is_laid_along_an_axis(axis: int | None, shape: tuple[int, ...]) -> None:
    op = emitter("float[3] v")
    assert along_axis(op, op.graph.tensors["v"], axis, 2).shape == shape


def test_a_layer_and_its_gradient_in_real_units(rng: np.random.Generator) -> None:
    body = """s = Constant<value = float {0.25}>() z = Constant<value = uint8 {7}>()
        q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)"""
    op = Emitter(prepare(parsed("float[2,3] x, float[2,3] g", body, "float[2,3] y")))
    t = op.graph.tensors
    x, g = rng.normal(size=(2, 2, 3)).astype(np.float32)
    A, G = values(op, *in_real_units(op, op.graph, t["q"], t["g"]), x=x, g=g)
    np.testing.assert_array_equal(A, np.clip(np.rint(x / 0.25), -7, 248) * 0.25)
    np.testing.assert_array_equal(G, g / 0.25)
    assert in_real_units(op, op.graph, t["x"], t["g"]) == (t["x"], t["g"])
