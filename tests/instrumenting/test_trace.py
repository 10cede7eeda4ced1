"""NumPy's functions on tensors of a graph: what they write is worth what NumPy gives on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.instrumenting.trace import FUNCTIONS, UFUNCS, Traced, traces, unwrap
from backends.onnx.writing.emit import Emitter
from cam_core.errors import ModelError
from tests.written import emitter, values

CASES: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: 1.5 - a,
    "multiply": lambda a, b: 2 * a * b,
    "true_divide": lambda a, b: a / b,
    "power": lambda a, b: b**2,
    "negative": lambda a, b: -a,
    "take": lambda a, b: np.take(a, [2, 0, 0, 1], axis=1),
    "absolute": lambda a, b: np.abs(a),
    "sqrt": lambda a, b: np.sqrt(b),
    "exp": lambda a, b: np.exp(a),
    "tanh": lambda a, b: np.tanh(a),
    "log": lambda a, b: np.log(np.abs(a) + 1),
    "maximum": lambda a, b: np.maximum(a, b - 3),
    "maximum of 0": lambda a, b: np.maximum(a, 0),
    "minimum": lambda a, b: np.minimum(a, 0.25),
    "matmul": lambda a, b: a @ np.transpose(b, (0, 2, 1)),
    "greater": lambda a, b: a > b - 3,
    "less": lambda a, b: a < 0,
    "greater_equal": lambda a, b: a >= a,
    "less_equal": lambda a, b: a <= 0,
    "equal": lambda a, b: a == a,
    "not_equal": lambda a, b: a != np.maximum(a, 0),
    "logical_and": lambda a, b: np.logical_and(a > 0, b > 2),
    "logical_or": lambda a, b: np.logical_or(a > 0, b > 2),
    "logical_not": lambda a, b: np.logical_not(a > 0),
    "an array": lambda a, b: a * np.array([1.0, 2.0, 3.0, 4.0]),
    "sum": lambda a, b: np.sum(a, axis=(1, 2)),
    "sum kept": lambda a, b: np.sum(a, -1, keepdims=True),
    "sum of all": lambda a, b: np.sum(a),
    "mean": lambda a, b: np.mean(a, axis=(2,), keepdims=True),
    "mean of one": lambda a, b: np.mean(a, 1),
    "max": lambda a, b: np.max(a, axis=-1),
    "min": lambda a, b: np.min(a, axis=(0, 2)),
    "argmax": lambda a, b: np.argmax(a, axis=1),
    "where": lambda a, b: np.where(a > 0, a, 7.0),
    "where not": lambda a, b: np.where(a > 0, -1.0, b),
    "transpose": lambda a, b: np.transpose(a, (2, 0, 1)),
    "transpose all": lambda a, b: np.transpose(a),
    "reshape": lambda a, b: np.reshape(a, (-1, 12)),
    "last axes joined": lambda a, b: np.reshape(a, (*a.shape[:-2], -1)),
    "expand_dims": lambda a, b: np.expand_dims(a, 1),
    "squeeze": lambda a, b: np.squeeze(np.expand_dims(a, (0, 2)), (0, 2)),
    "concatenate": lambda a, b: np.concatenate([a, b, a], axis=1),
    "split": lambda a, b: np.split(a, 2, axis=2)[1],
    "every other": lambda a, b: a[:, 1::2],
    "several slices": lambda a, b: a[:, 1:, -3:-1],
}


@pytest.fixture
def op() -> Emitter:
    return emitter("float[N,3,4] a, float[N,3,4] b")


def traced(op: Emitter) -> list[Traced]:
    return [Traced(op, op.graph.tensors[name]) for name in "ab"]


@pytest.mark.parametrize("what", CASES)
def test_the_same_as_on_arrays(what: str, op: Emitter, rng: np.random.Generator) -> None:
    """In the tensor's own type, whatever the type of a number or an array beside it."""
    feed = {"a": rng.normal(size=(2, 3, 4)), "b": rng.uniform(1, 4, size=(2, 3, 4))}
    feed = {name: value.astype(np.float32) for name, value in feed.items()}
    found = CASES[what](*traced(op))
    assert isinstance(found, Traced)
    expected = np.asarray(CASES[what](feed["a"], feed["b"]))
    (value,) = values(op, found.tensor, **feed)
    kind = np.float32 if expected.dtype == np.float64 else expected.dtype
    assert (value.dtype, value.shape, found.ndim) == (kind, expected.shape, expected.ndim)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)  # float32, other sums


def test_every_function_has_a_case() -> None:
    own = {f.__name__ for f in (*UFUNCS, *FUNCTIONS) if f.__module__ == "numpy" or f in UFUNCS}
    names = {"divide": "true_divide"}
    assert {names.get(name, name) for name in own} <= set(CASES)
    assert len(own) >= 30


def test_a_traced_tensor_says_what_it_is(op: Emitter) -> None:
    a, _ = traced(op)
    assert (a.shape, a.ndim, a.dtype) == (("N", 3, 4), 3, np.float32)
    assert a.astype(np.float32) is a
    assert a.astype(np.float64).dtype == np.float64
    assert [node.op for node in op.nodes] == ["Cast"]


def test_what_changes_nothing_writes_nothing(op: Emitter) -> None:
    a, _ = traced(op)
    assert a[:, :] is a
    assert np.transpose(a, (0, 1, 2)).tensor is a.tensor
    assert np.sum(a, axis=()).tensor is a.tensor
    assert not op.nodes


@pytest.mark.parametrize("opset", [9, 11, 13, 18])
def test_equal_parts_in_every_opset(opset: int) -> None:
    op = emitter("float[N,3,4] a, float[N,3,4] b", opset=opset)
    x = np.arange(48, dtype=np.float32).reshape(4, 3, 4)
    parts = np.split(traced(op)[0], 2)
    found = values(op, *(part.tensor for part in parts), a=x, b=x)
    np.testing.assert_array_equal(found, [x[:2], x[2:]])


def test_an_old_slice_has_no_steps() -> None:
    op = emitter("float[N,3,4] a, float[N,3,4] b", opset=9)
    with pytest.raises(ModelError, match="no steps before opset 10; convert"):
        traced(op)[0][::2]


def test_the_batch_keeps_its_name(op: Emitter) -> None:
    a, _ = traced(op)
    assert np.reshape(a, (-1, 12)).shape == ("N", 12)
    assert np.reshape(a, (-1, 6)).shape[0] != "N"


@pytest.mark.parametrize(
    "ask",
    [
        lambda a: a[0],
        lambda a: a[:, ::-1],
        lambda a: a[..., 1:],
        lambda a: np.sin(a),
        lambda a: np.add.reduce(a),
        lambda a: np.add(a, 1, dtype=np.float64),
        lambda a: np.median(a),
        lambda a: np.argmax(a, axis=1, keepdims=True),
    ],
    ids=[
        "an index",
        "a step back",
        "dots",
        "a function",
        "a method",
        "a type",
        "median",
        "an option",
    ],
)
def test_what_no_graph_holds_is_refused(ask: Any, op: Emitter) -> None:
    a, _ = traced(op)
    with pytest.raises(TypeError):
        ask(a)
    assert not op.nodes


def test_what_the_emitter_takes(op: Emitter) -> None:
    a, _ = traced(op)
    kind = np.dtype(np.float16)
    assert unwrap(a, kind) is a.tensor
    assert unwrap(3, kind) == 3
    assert unwrap(np.array([1.5]), kind).dtype == np.float16
    assert unwrap(np.array([1]), kind).dtype == np.int64


def test_a_function_of_the_core_may_say_what_it_becomes(
    op: Emitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tangent(x: Any) -> Any:
        return x.__array_function__(tangent, (), (x,), {})

    a, _ = traced(op)
    monkeypatch.setitem(FUNCTIONS, tangent, None)
    traces(tangent)(lambda op, x: op.Tan(x.tensor))
    assert tangent(a).tensor is op.Tan(a.tensor)
