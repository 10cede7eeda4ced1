"""Whole numbers for a browser: int32 inside, int64 for whoever asks, and float32 where need be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.writing.web import fitted
from tests.writing.test_web_spelled import fitting, lacking
from tests.written import values

I = np.array([[5, -2, 0], [3, 3, 7]])  # noqa: E741
J = np.array([[1, -2, 4], [9, 3, -7]])
B = I > 2
K = np.array([[2], [0]])
ROWS: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "arithmetic": (lambda op, i, j: op.Sub(op.Mul(i, j), i), {"i": I, "j": J}, I * J - I),
    "a choice": (lambda op, i, j: op.Where(op.Less(i, j), i, j), {"i": I, "j": J},
                 np.minimum(I, J)),
    "a comparison": (lambda op, i, j: op.Equal(i, j), {"i": I, "j": J}, I == J),
    "views": (lambda op, i: op.Squeeze(op.Unsqueeze(op.Transpose(i, perm=[1, 0]), [1]), [1]),
              {"i": I}, I.T),
    "a slice": (lambda op, i: op.Slice(i, [1], [3], [1]), {"i": I}, I[:, 1:3]),
    "gathered": (lambda op, i, k: op.GatherElements(i, k, axis=1), {"i": I, "k": K},
                 np.take_along_axis(I, K, 1)),
    "a fixed table": (lambda op, k: op.Gather(np.arange(7) * 10, k, axis=0), {"k": K}, K * 10),
    "from truths": (lambda op, b: op.Add(op.Cast(b, to=np.int64), np.int64(1)), {"b": B},
                    B.astype(np.int64) + 1),
    "truths side by side": (lambda op, b: op.Concat(b, b, axis=0), {"b": B},
                            np.concatenate([B, B])),
    "the largest": (lambda op, i: op.ReduceMax(i, [1], keepdims=0), {"i": I}, I.max(1)),
    "to float": (lambda op, i: op.Cast(op.Add(i, i), to=np.float32), {"i": I},
                 (2 * I).astype(np.float32)),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_it_is_worth_what_it_was(name: str) -> None:
    ask, given, expected = ROWS[name]
    op = fitting(given, 17)
    found = ask(op, *(op.graph.tensors[key] for key in given))
    assert lacking(op, op.graph, found) == []
    (got,) = values(op, found, **given)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.asarray(expected).dtype


def test_nothing_is_converted_back_and_forth() -> None:
    op = fitting({"i": I, "j": J}, 17)
    i, j = (op.graph.tensors[name] for name in "ij")
    wanted = op.Equal(op.Add(i, j), op.Sub(i, op.Mul(j, j)))
    assert sorted(n.op for n in op.needed([wanted])) == [
        "Add",
        "Cast",
        "Cast",
        "Equal",
        "Mul",
        "Sub",
    ]


def test_what_is_well_as_it_is_stays() -> None:
    op = fitting({"x": np.zeros((2, 3), np.float32)}, 17)
    x = op.graph.tensors["x"]
    assert fitted(op, "Relu", [x], 1, {}) is None
    assert fitted(op, "Loop", [x], 1, {}) is None


def test_a_weight_of_8_bits_is_read_in_float() -> None:
    """What the runtime converts once, when it loads, is no row of int8 on the CPU at each run."""
    given = {"k": np.array([2])}
    op = fitting(given, 17)
    weight = op.constant(np.arange(12, dtype=np.int8).reshape(4, 3))
    wanted = op.Mul(op.Cast(op.Gather(weight, op.graph.tensors["k"], axis=0), to=np.float32), 2.0)
    assert lacking(op, op.graph, wanted) == []
    (got,) = values(op, wanted, **given)
    np.testing.assert_array_equal(got, [[12, 14, 16]])
