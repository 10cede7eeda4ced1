"""What arrives at a tensor is added up to its shape; what is nothing but zeros is not pulled on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.differentiating.arrived import Arrived
from backends.onnx.writing.emit import Emitter
from tests.written import emitter, values

INPUTS = "float[2,3] x, float[2,3] a, float[2,3] b, float[4,2,3] wide, float[3] row, float[2,1] one"


@pytest.fixture
def op() -> Emitter:
    return emitter(INPUTS)


@pytest.fixture
def feed(rng: np.random.Generator) -> dict[str, Any]:
    shapes = {"x": (2, 3), "a": (2, 3), "b": (2, 3), "wide": (4, 2, 3), "row": (3,), "one": (2, 1)}
    return {n: rng.integers(-9, 9, shape).astype(np.float32) for n, shape in shapes.items()}


def zeros(op: Emitter) -> Any:
    """A tensor that is promised to be nothing but zeros."""
    found = op.Mul(op.graph.tensors["x"], 0.0)
    op.promises.zero.add(found.name)
    return found


def test_all_that_arrives_is_summed(op: Emitter, feed: dict[str, Any]) -> None:
    t, arrived = op.graph.tensors, Arrived(op)
    arrived.begin(t["x"], t["a"])
    arrived.add(t["x"], t["b"])
    arrived.add(t["x"], t["wide"])
    found = arrived.total(t["x"])
    assert found is not None
    expected = feed["a"] + feed["b"] + feed["wide"].sum(0)
    np.testing.assert_array_equal(values(op, found, **feed)[0], expected)


def test_what_broadcasting_made_wide_is_summed_back(op: Emitter, feed: dict[str, Any]) -> None:
    t, arrived = op.graph.tensors, Arrived(op)
    for name in ("row", "one"):
        arrived.add(t[name], t["a"])
    found = [arrived.total(t[name]) for name in ("row", "one")]
    row, one = values(op, *found, **feed)
    np.testing.assert_array_equal(row, feed["a"].sum(0))
    np.testing.assert_array_equal(one, feed["a"].sum(1, keepdims=True))


def test_what_is_narrow_holds_for_every_place(op: Emitter, feed: dict[str, Any]) -> None:
    """One number a row stands for each of its places until somebody reads them."""
    t, arrived = op.graph.tensors, Arrived(op)
    arrived.begin(t["x"], t["one"])
    found = arrived.total(t["x"])
    (value,) = values(op, found, **feed)
    np.testing.assert_array_equal(value, np.repeat(feed["one"], 3, axis=1))


def test_a_total_is_made_once(op: Emitter) -> None:
    t, arrived = op.graph.tensors, Arrived(op)
    assert arrived.total(t["x"]) is None
    arrived.add(t["x"], t["a"])
    arrived.add(t["x"], t["b"])
    first = arrived.total(t["x"])
    assert arrived.total(t["x"]) is first
    assert [node.op for node in op.nodes] == ["Add"]


def test_zeros_beside_others_are_not_added(op: Emitter, feed: dict[str, Any]) -> None:
    t, arrived = op.graph.tensors, Arrived(op)
    arrived.add(t["x"], zeros(op))
    arrived.add(t["x"], t["a"])
    found = arrived.total(t["x"])
    assert op.needed([found]) == []
    np.testing.assert_array_equal(values(op, found, **feed)[0], feed["a"])


def test_where_only_zeros_arrived_a_leaf_has_zeros(op: Emitter, feed: dict[str, Any]) -> None:
    t, arrived = op.graph.tensors, Arrived(op)
    arrived.add(t["x"], zeros(op))
    assert arrived.total(t["x"]) is None
    found = arrived.end(t["x"])
    assert found is not None
    assert found.name in op.promises.zero
    (value,) = values(op, found, **feed)
    np.testing.assert_array_equal(value, np.zeros((2, 3)))
    assert arrived.end(t["b"]) is None


def test_zeros_are_handed_on_to_what_the_maker_reads() -> None:
    """To floating point numbers on the path alone, and only where nothing else arrives."""
    op = emitter("float[2,3] x, float[2,3] w, int64[1] axes")
    t = op.graph.tensors
    made = op.ReduceSum(op.Add(t["x"], t["w"]), t["axes"], keepdims=0)
    add, reduction = op.nodes
    arrived, none = Arrived(op), op.constant(np.zeros(2, np.float32))
    op.promises.zero.add(none.name)
    path = {made.name, add.outputs[0].name, "x", "axes"}
    arrived.pass_zeros(reduction, path)
    assert arrived.end(add.outputs[0]) is None
    arrived.add(made, none)
    arrived.pass_zeros(reduction, path)
    arrived.pass_zeros(add, path)
    assert arrived.end(t["x"]) is not None
    assert arrived.end(t["w"]) is None
    assert arrived.end(t["axes"]) is None
