"""What the emitter makes of an operator that is asked for: typed, named, and once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.reading.fold import FOLD_LIMIT
from backends.onnx.reading.prepare import prepare
from backends.onnx.writing.emit import Emitter
from tests.written import emitter, parsed, values

X = np.array([[1.5, -2.0, 3.0], [0.0, 4.0, -0.5]], np.float32)
SOFTMAX = np.exp(X) / np.exp(X).sum(-1, keepdims=True)
ASKED: dict[str, Any] = {
    "a scalar of its type": (lambda op, x: op.Mul(x, 2), X * 2),
    "a scalar first": (lambda op, x: op.Sub(1.0, x), 1 - X),
    "a number of NumPy": (lambda op, x: op.Add(x, np.float64(0.5)), X + np.float32(0.5)),
    "an array": (lambda op, x: op.Max(x, np.zeros(3, np.float32)), np.maximum(X, 0)),
    "a list of int": (lambda op, x: op.Unsqueeze(x, [0, -1]), X[None, ..., None]),
    "an operand left out": (lambda op, x: op.Clip(x, None, 1.0), np.minimum(X, 1)),
    "an attribute left out": (lambda op, x: op.Softmax(x, axis=None), SOFTMAX),
    "a condition": (lambda op, x: op.Where(op.Less(x, 0.0), 7.0, x), np.where(X < 0, 7, X)),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_operands_are_what_was_handed_over(what: str) -> None:
    ask, expected = ASKED[what]
    op = emitter("float[N,3] x")
    found = ask(op, op.graph.tensors["x"])
    (got,) = values(op, found, x=X)
    np.testing.assert_allclose(got, expected, rtol=1e-6)  # Softmax in another order of summation


def test_several_outputs_are_a_tuple() -> None:
    op = emitter("float[2,3] x")
    largest, places = op.TopK(op.graph.tensors["x"], [1], outputs=2)
    assert (largest.shape, places.shape) == ((2, 1), (2, 1))
    found, at = values(op, largest, places, x=X)
    np.testing.assert_array_equal(found, X.max(1, keepdims=True))
    np.testing.assert_array_equal(at, X.argmax(1)[:, None])


def test_the_same_again_is_the_same() -> None:
    op = emitter("float[2,3] x")
    x = op.graph.tensors["x"]
    assert op.Exp(x) is op.Exp(x)
    assert op.Mul(x, 2.0) is op.Mul(x, 2)
    assert op.Softmax(x, axis=0) is not op.Softmax(x, axis=1)
    assert op.Mul(x, 2.0) is not op.Mul(x, 3.0)


def test_small_constants_of_one_value_type_and_shape_are_one() -> None:
    op = emitter("float[2] x")
    first = op.constant(np.array([1.0, 2.0]))
    assert op.constant(np.array([1.0, 2.0])) is first
    same_bytes = np.array([1.0, 2.0]).view(np.int64)
    others = [np.array([[1.0, 2.0]]), same_bytes, np.array([1.0, 3.0])]
    names = {op.constant(other).name for other in others}
    assert len(names | {first.name}) == 4
    signed = [op.constant(np.array(zero)).name for zero in (0.0, -0.0)]
    assert signed[0] != signed[1]
    large = np.zeros(FOLD_LIMIT + 1, np.int8)
    assert op.constant(large) is not op.constant(large)


def test_a_static_shape_is_a_constant() -> None:
    op = emitter("float[2,3] x, float[N,3] y")
    np.testing.assert_array_equal(op.value(op.Shape(op.graph.tensors["x"])), [2, 3])
    assert not op.nodes
    assert op.value(op.Shape(op.graph.tensors["y"])) is None
    assert [node.op for node in op.nodes] == ["Shape"]


def test_a_name_is_nobodys() -> None:
    model = parsed(
        "float[2] a_1, bool c",
        """y = If (c) <then_branch = t () => (a_2) { a_2 = Neg(a_1) },
                       else_branch = e () => (a_3) { a_3 = Abs(a_1) }>""",
        "float[2] y",
    )
    model.graph.node[0].name = "a_4"
    op = Emitter(prepare(model), prefix="")
    inner = op.within(op.graph, [])
    given = [maker.name("a") for maker in (op, inner, op, inner)]
    assert given == ["a_5", "a_6", "a_7", "a_8"]


def test_a_promised_name() -> None:
    op = emitter("float[N,3] x")
    found = op.named(op.Neg(op.graph.tensors["x"]), "cam_map")
    assert (found.name, found.dtype, found.shape) == ("cam_map", np.float32, ("N", 3))
    np.testing.assert_array_equal(values(op, found, x=X)[0], -X)


def test_only_what_is_needed_in_order() -> None:
    op = emitter("float[2] x")
    with pytest.raises(AttributeError, match="relu"):
        _ = op.relu  # an operator begins with a capital
    a = op.Exp(op.graph.tensors["x"])
    op.Neg(a)
    b = op.Abs(a)
    assert [node.op for node in op.needed([b])] == ["Exp", "Abs"]
    assert op.needed([op.graph.tensors["x"]]) == []


def test_an_expand_costs_nothing_until_it_is_read() -> None:
    op = emitter("float[2,3] x, float[2,1] g")
    x, g = (op.graph.tensors[name] for name in "xg")
    product = op.Mul(op.expand_like(g, x), x)
    assert [node.op for node in op.needed([product])] == ["Mul"]
    column = np.array([[2.0], [3.0]], np.float32)
    np.testing.assert_array_equal(values(op, product, x=X, g=column)[0], X * column)


def test_what_is_recorded_is_written_anew_in_normal_form() -> None:
    op = emitter("float[2,3] x", opset=11)
    x = op.graph.tensors["x"]
    before = op.Exp(x)
    with op.recorded() as tape:
        again, shape = op.Exp(x), op.Shape(x)
        op.ReduceSum(again, [1], keepdims=0)
    assert again is not before
    assert shape is tape[1].outputs[0]
    assert [node.op for node in tape] == ["Exp", "Shape", "ReduceSum"]
    np.testing.assert_array_equal(tape[2].inputs[1].values, [1])  # opset 11 has an attribute
    assert op.nodes[-1].attrs["axes"] == [1]
    assert op.Exp(x) is before


def test_what_was_written_inside_is_adopted() -> None:
    op = emitter("float[2,3] x")
    inner = op.within(op.graph, [])
    made = inner.typed(inner.Neg(op.graph.tensors["x"]), (2, 3))
    assert op.needed([made]) == []
    op.adopt(inner)
    assert op.made[made.name].op == "Neg"
    assert made.name in op.shaped
    np.testing.assert_array_equal(values(op, made, x=X)[0], -X)


def test_a_shape_that_is_said_holds_for_what_follows() -> None:
    op = emitter("float[2,3] x, int64[2] to")
    lost = op.Reshape(op.graph.tensors["x"], op.graph.tensors["to"])
    assert op.Neg(lost).shape == (None, None)
    assert op.Transpose(op.typed(lost, (3, 2)), perm=[1, 0]).shape == (2, 3)
