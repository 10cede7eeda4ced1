"""What an old opset lacks: written without it, and worth what NumPy makes of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backends.onnx.writing.lowering import LOWERINGS, lower
from cam_core.errors import ModelError
from tests.written import emitter, values

X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(2, 3, 4).round(2)
Z = np.roll(X, 5) * np.float32(1.5)
WHOLE = np.arange(-12, 12).reshape(2, 3, 4)
OTHER = np.roll(WHOLE, 7)
OTHER[0] = WHOLE[0]
Z[1] = X[1]
S = np.array([0.5, 1.0, -2.0, 3.0], np.float32)
ERF = np.vectorize(math.erf)
TANH_GELU = np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))
CENTRED = X - X.mean((1, 2), keepdims=True)
EXP = np.exp(X)


def root(v: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    return np.sqrt((v**2).mean(axes, keepdims=True) + epsilon)


ROWS: list[tuple[str, str, Any, Any]] = [
    ("Where", "", lambda op, x, z: op.Where(op.Less(x, z), x, z), np.minimum(X, Z)),
    ("Equal", "", lambda op, x, z: op.Equal(x, z), X == Z),
    ("Equal", "whole", lambda op, i, j: op.Equal(i, j), WHOLE == OTHER),
    ("Greater", "whole", lambda op, i, j: op.Greater(i, j), WHOLE > OTHER),
    ("Less", "whole", lambda op, i, j: op.Less(i, j), WHOLE < OTHER),
    ("GreaterOrEqual", "", lambda op, x, z: op.GreaterOrEqual(x, z), X >= Z),
    ("LessOrEqual", "", lambda op, x, z: op.LessOrEqual(x, z), X <= Z),
    ("Expand", "", lambda op, x, z: op.Expand(x, [2, 2, 3, 4]), np.stack([X, X])),
    ("Gemm", "flat", lambda op, a, b: op.Gemm(a, b, transB=1, alpha=0.5),
     0.5 * X.reshape(6, 4) @ Z.reshape(6, 4).T),
    ("Sign", "", lambda op, x, z: op.Sign(x), np.sign(X)),
    ("Max", "", lambda op, x, z: op.Max(x, op.constant(S)), np.maximum(X, S)),
    ("Min", "", lambda op, x, z: op.Min(x, op.constant(S)), np.minimum(X, S)),
    ("Gelu", "", lambda op, x, z: op.Gelu(x), X * (1 + ERF(X / math.sqrt(2))) / 2),
    ("Gelu", "by tanh", lambda op, x, z: op.Gelu(x, approximate="tanh"), X * (1 + TANH_GELU) / 2),
    ("Swish", "", lambda op, x, z: op.Swish(x), X / (1 + np.exp(-X))),
    ("Swish", "scaled", lambda op, x, z: op.Swish(x, alpha=1.7), X / (1 + np.exp(-1.7 * X))),
    ("HardSwish", "", lambda op, x, z: op.HardSwish(x), X * np.clip(X / 6 + 0.5, 0, 1)),
    ("Softmax", "", lambda op, x, z: op.Softmax(x, axis=1), EXP / EXP.sum(1, keepdims=True)),
    ("Softmax", "first", lambda op, x, z: op.Softmax(x, axis=-3), EXP / EXP.sum(0)),
    ("Softmax", "last", lambda op, x, z: op.Softmax(x, axis=-1), EXP / EXP.sum(-1, keepdims=True)),
    ("Softmax", "none", lambda op, x, z: op.Softmax(x), EXP / EXP.sum(-1, keepdims=True)),
    ("LayerNormalization", "", lambda op, x, z: op.LayerNormalization(x, S, S, epsilon=0.1),
     (X - X.mean(-1, keepdims=True)) / root(X - X.mean(-1, keepdims=True), (2,), 0.1) * S + S),
    ("LayerNormalization", "two axes",
     lambda op, x, z: op.LayerNormalization(x, np.ones((3, 4), np.float32), axis=1),
     CENTRED / root(CENTRED, (1, 2), 1e-5)),
    ("RMSNormalization", "", lambda op, x, z: op.RMSNormalization(x, S, epsilon=0.1),
     X / root(X, (2,), 0.1) * S),
]  # fmt: skip
FEEDS = {
    "": ("float[2,3,4] x, float[2,3,4] z", (X, Z)),
    "whole": ("int64[2,3,4] x, int64[2,3,4] z", (WHOLE, OTHER)),
    "flat": ("float[6,4] x, float[6,4] z", (X.reshape(6, 4), Z.reshape(6, 4))),
}


@pytest.mark.parametrize(
    ("operator", "note", "ask", "expected"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS]
)
def test_an_old_opset_says_the_same(operator: str, note: str, ask: Any, expected: Any) -> None:
    """The checker refuses the operator itself, or its newer form, at that opset."""
    inputs, fed = FEEDS.get(note, FEEDS[""])
    since = LOWERINGS[operator][0]
    old, new = emitter(inputs, since - 1), emitter(inputs, since)
    ask(new, *(new.graph.tensors[name] for name in "xz"))
    assert new.nodes[-1].op == operator
    found = ask(old, *(old.graph.tensors[name] for name in "xz"))
    (value,) = values(old, found, x=fed[0], z=fed[1])
    assert value.dtype == expected.dtype or expected.dtype == np.float64
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)  # float32, other sums


def test_every_lowering_has_a_row() -> None:
    assert {row[0] for row in ROWS} == set(LOWERINGS)


def test_numbers_compared_in_their_own_type_are_left() -> None:
    """Opset 8 compares floating point numbers, and takes the larger of two of one shape."""
    op = emitter("float[2,3,4] x, float[2,3,4] z", 7)
    x, z = (op.graph.tensors[name] for name in "xz")
    for operator in ("Greater", "Less", "Max", "Min"):
        assert lower(op, operator, [x, z], {}) is None
    assert lower(op, "Add", [x, z], {}) is None
    assert lower(op, "Max", [x], {}) is None
    assert not op.nodes


def test_an_expand_to_a_shape_of_the_run() -> None:
    """Opset 7 repeats what is there once, and leaves alone what fits."""
    op = emitter("float[3,1] x, float[2,3,4] z", 7)
    shape = op.graph.tensors["z"]
    made = lower(op, "Expand", [op.graph.tensors["x"], op.plain("Shape", shape)], {})
    x = np.array([[1.0], [2.0], [3.0]], np.float32)
    (found,) = values(op, op.typed(made, (2, 3, 4)), x=x, z=X)
    np.testing.assert_array_equal(found, np.broadcast_to(x, (2, 3, 4)))


def test_an_expand_of_what_nobody_knows_is_refused() -> None:
    op = emitter("float[N,M] x, int64[K] to", 7)
    x, to = (op.typed(op.graph.tensors[n], s) for n, s in (("x", (None, 1)), ("to", (2,))))
    with pytest.raises(ModelError, match="opset 7 cannot broadcast a tensor of unknown shape"):
        lower(op, "Expand", [x, to], {})
