"""Arithmetic on extents: in Python where they are numbers, and the same in onnxruntime else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.rules.parts.extents import (
    INFINITY,
    as_number,
    at_least_zero,
    at_most,
    extent,
    fitted,
    minus,
    moved,
    pad,
    plus,
    positions,
    product,
    reshape,
    vector,
)
from backends.onnx.writing.emit import Emitter
from tests.written import emitter, values

SIZES = [-3, 0, 2]
PAIRS: dict[str, Any] = {
    "plus": (plus, lambda a, b: a + b),
    "minus": (minus, lambda a, b: a - b),
    "at_most": (at_most, min),
    "product": (lambda op, a, b: product(op, [a, 2, b]), lambda a, b: 2 * a * b),
    "at_least_zero": (
        lambda op, a, b: plus(op, at_least_zero(op, a), b),
        lambda a, b: max(a, 0) + b,
    ),
}


@pytest.fixture
def op() -> Emitter:
    return emitter("float[N,3,T] x, int64[1] a, int64[1] b, float[1] like")


@pytest.mark.parametrize("second", SIZES)
@pytest.mark.parametrize("first", SIZES)
@pytest.mark.parametrize("what", PAIRS)
def test_numbers_and_tensors_count_alike(what: str, first: int, second: int) -> None:
    (function, formula), op = PAIRS[what], emitter("int64[1] a, int64[1] b")
    expected = formula(first, second)
    assert function(op, first, second) == expected
    a, b = op.graph.tensors["a"], op.graph.tensors["b"]
    made = [function(op, *way) for way in ((a, b), (first, b), (a, second))]
    for found in values(op, *made, a=np.array([first]), b=np.array([second])):
        np.testing.assert_array_equal(found, [expected])


def test_nothing_is_written_for_what_is_known(op: Emitter) -> None:
    a = op.graph.tensors["a"]
    assert plus(op, a, 0) is plus(op, 0, a) is minus(op, a, 0) is a
    assert product(op, [1, a]) is a
    assert product(op, []) == 1
    assert vector(op, [2, 3]) == [2, 3]
    assert extent(op, op.graph.tensors["x"], 1) == extent(op, op.graph.tensors["x"], -2) == 3
    assert not op.nodes


@pytest.mark.parametrize("axis", [0, 2, -1, -3])
def test_an_open_extent_is_read(axis: int, op: Emitter) -> None:
    x = np.zeros((5, 3, 7), np.float32)
    found = extent(op, op.graph.tensors["x"], axis)
    np.testing.assert_array_equal(values(op, found, x=x, **ONE)[0], [x.shape[axis]])


ONE = {"a": np.array([1]), "b": np.array([2]), "like": np.ones(1, np.float32)}
X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_a_vector_of_both_kinds(op: Emitter) -> None:
    t = op.graph.tensors
    found = vector(op, [7, t["a"], t["b"], -1])
    np.testing.assert_array_equal(values(op, found, x=X, **ONE)[0], [7, 1, 2, -1])


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_positions(kind: Any, op: Emitter) -> None:
    known, open_one = positions(op, 4, kind), positions(op, op.graph.tensors["b"], kind)
    for found, size in zip(values(op, known, open_one, x=X, **ONE), (4, 2), strict=True):
        np.testing.assert_array_equal(found, np.arange(size))
        assert found.dtype == kind


def test_an_extent_as_a_number_of_another_type(op: Emitter) -> None:
    assert as_number(op, 3, op.graph.tensors["like"]) == 3.0
    found = as_number(op, op.graph.tensors["b"], op.graph.tensors["like"])
    (value,) = values(op, found, x=X, **ONE)
    assert (value.dtype, value.shape, float(value)) == (np.float32, (), 2.0)


def test_reshaped_with_at_most_one_open_extent_left_to_the_runtime(op: Emitter) -> None:
    t = op.graph.tensors
    one = reshape(op, t["x"], [extent(op, t["x"], 0), 12])
    assert op.nodes[-1].op == "Reshape"
    assert op.value(op.nodes[-1].inputs[1]).tolist() == [-1, 12]
    two = reshape(op, t["x"], [t["b"], t["a"], 12], ("N", 1, 12))
    assert two.shape == ("N", 1, 12)
    for found, shape in zip(values(op, one, two, x=X, **ONE), ((2, 12), (2, 1, 12)), strict=True):
        np.testing.assert_array_equal(found, X.reshape(shape))


PADS: list[dict[int, tuple[int, int]]] = [
    {1: (1, 2)}, {2: (-1, 0)}, {2: (0, -2)}, {1: (2, -1), 2: (-1, 3)}, {}, {0: (0, 0)},
]  # fmt: skip


@pytest.mark.parametrize("pads", PADS, ids=str)
@pytest.mark.parametrize("known", [True, False])
def test_zeros_around_and_what_is_cropped(
    known: bool, pads: dict[int, tuple[int, int]], op: Emitter
) -> None:
    """`fitted` learns the numbers at run time: a negative one crops there too."""
    expected = X
    for axis, (before, after) in pads.items():
        width = [(0, 0)] * 3
        width[axis] = (max(before, 0), max(after, 0))
        wide = np.pad(expected, width)
        start, end = max(-before, 0), wide.shape[axis] - max(-after, 0)
        expected = np.take(wide, range(start, end), axis)
    x, one = op.typed(op.graph.tensors["x"], ("N", 3, 4)), op.graph.tensors["a"]
    if known:
        found = pad(op, x, pads)
    else:
        like = op.constant(expected)
        at = {a: (minus(op, plus(op, one, p), 1), q) for a, (p, q) in pads.items()}
        found = fitted(op, x, at, like)
    np.testing.assert_array_equal(values(op, found, x=X, **ONE)[0], expected)


def test_axes_are_exchanged_and_back(op: Emitter) -> None:
    x = op.graph.tensors["x"]
    same = moved(op, x, 1, 1, op.Neg)
    cut = moved(op, x, 2, 0, lambda g: op.Slice(g, [1], [INFINITY], [0]))
    first, second = values(op, same, cut, x=X, **ONE)
    np.testing.assert_array_equal(first, -X)
    np.testing.assert_array_equal(second, X[:, :, 1:])
