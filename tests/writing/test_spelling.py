"""How each opset writes what is asked for in the newest form: as ONNX's own schemas have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.reading.kinds import REDUCTIONS
from backends.onnx.reading.normalise import NEWEST
from backends.onnx.writing.spelling import AS_INPUT, AXES_INPUT, spell
from cam_core.errors import ModelError
from tests.written import emitter, values

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7


def schema_has(operator: str, opset: int, name: str) -> str:
    """ "an input", "an attribute" or "" of an operator at an opset."""
    schema = onnx.defs.get_schema(operator, opset)
    if name in schema.attributes:
        return "an attribute"
    return "an input" if name in {i.name for i in schema.inputs} else ""


@pytest.mark.parametrize("operator", REDUCTIONS)
def test_since_when_axes_are_an_input(operator: str) -> None:
    since = AXES_INPUT[operator]
    assert schema_has(operator, since - 1, "axes") == "an attribute"
    assert schema_has(operator, since, "axes") == "an input"


NAMES = {
    "Squeeze": "axes", "Unsqueeze": "axes", "Slice": "starts", "Pad": "pads", "Clip": "min",
    "Split": "split", "TopK": "k", "Upsample": "scales",
}  # fmt: skip


@pytest.mark.parametrize("operator", NAMES)
def test_since_when_other_operands_are_inputs(operator: str) -> None:
    since, name = AS_INPUT[operator], NAMES[operator]
    assert schema_has(operator, since - 1, name) == "an attribute"
    found = {i.name.casefold() for i in onnx.defs.get_schema(operator, since).inputs}
    assert name in found
    assert set(AS_INPUT) == {*NAMES, *REDUCTIONS}


ASKED: dict[str, Any] = {
    "ReduceSum": (lambda op, x: op.ReduceSum(x, [-1, 0], keepdims=1), X.sum((0, 2), keepdims=True)),
    "ReduceMean": (lambda op, x: op.ReduceMean(x, [1], keepdims=0), X.mean(1)),
    "ReduceMax": (lambda op, x: op.ReduceMax(x, [-2], keepdims=0), X.max(1)),
    "of all": (lambda op, x: op.ReduceSum(x, keepdims=0, noop_with_empty_axes=0), X.sum()),
    "Unsqueeze": (lambda op, x: op.Unsqueeze(x, [-1, 0]), X[None, ..., None]),
    "Squeeze": (lambda op, x: op.Squeeze(op.Unsqueeze(x, [1]), [-3]), X),
    "Slice": (lambda op, x: op.Slice(x, [1, 0], [3, 2], [-2, 2]), X[:, 1:3, :2]),
    "Pad": (lambda op, x: op.Pad(x, [0, 1, 0, 0, 0, 2], 5.0),
            np.pad(X, ((0, 0), (1, 0), (0, 2)), constant_values=5)),
    "Clip": (lambda op, x: op.Clip(x, -1.0, 2.0), X.clip(-1, 2)),
    "Clip below": (lambda op, x: op.Clip(x, -1.0), np.maximum(X, -1)),
    "Clip above": (lambda op, x: op.Clip(x, None, 2.0), np.minimum(X, 2)),
    "Split": (lambda op, x: op.Split(x, [1, 3], axis=2, outputs=2)[1], X[..., 1:]),
    "TopK": (lambda op, x: op.TopK(x, [2], outputs=2)[0], X[..., :1:-1]),
    "Cast": (lambda op, x: op.Cast(x, to=np.dtype(np.float64)), X.astype(np.float64)),
    "Cast by number": (lambda op, x: op.Cast(x, to=6), X.astype(np.int32)),
}  # fmt: skip


@pytest.mark.parametrize("opset", [8, 9, 10, 11, 12, 13, 17, 18, 21])
@pytest.mark.parametrize("what", ASKED)
def test_every_opset_says_the_same(what: str, opset: int) -> None:
    """The checker of ONNX takes it, and onnxruntime's number is NumPy's."""
    ask, expected = ASKED[what]
    op = emitter("float[2,3,4] x", opset)
    (found,) = values(op, ask(op, op.graph.tensors["x"]), x=X)
    np.testing.assert_array_equal(found, expected)


def test_what_is_none_is_not_said() -> None:
    inputs = [gs.Variable("x", np.float32, (2,))]
    assert spell("Softmax", inputs, {"axis": None}, 13, lambda t: None) == (inputs, {})


def test_a_value_to_fill_with_is_a_tensor_of_one_number() -> None:
    asked = {"value": np.float32(3)}
    _, attrs = spell("ConstantOfShape", [gs.Variable("n")], asked, 13, lambda t: None)
    assert attrs["value"].values.tolist() == [3.0]
    assert asked == {"value": np.float32(3)}


def test_an_old_opset_needs_constants() -> None:
    op = emitter("float[2,3] x, int64[1] axes", 12)
    x, axes = (op.graph.tensors[name] for name in ("x", "axes"))
    with pytest.raises(ModelError, match="Squeeze needs a constant 'axes' at the model's opset"):
        op.Squeeze(x, axes)
    newer = emitter("float[1,3] x, int64[1] axes", 13)
    squeezed = newer.Squeeze(newer.graph.tensors["x"], newer.graph.tensors["axes"])
    found = newer.typed(squeezed, (None,))
    x = np.ones((1, 3), np.float32)
    assert values(newer, found, x=x, axes=np.array([0]))[0].shape == (3,)


@pytest.mark.parametrize(
    ("operator", "attrs", "oldest", "advice"),
    [
        ("Einsum", {}, 12, 13),
        ("ScatterND", {}, 11, 13),
        ("ScatterND", {"reduction": "add"}, 16, 16),
        ("ScatterElements", {"reduction": "mul"}, 16, 16),
        ("Trilu", {}, 14, 14),
    ],
)
def test_what_an_opset_lacks_is_told(
    operator: str, attrs: dict[str, Any], oldest: int, advice: int
) -> None:
    told = rf"{operator} of opset {oldest}, the model has opset {oldest - 1}; .*model, {advice}\)"
    with pytest.raises(ModelError, match=told):
        spell(operator, [], attrs, oldest - 1, lambda t: None)
    for opset in (oldest, NEWEST):
        assert spell(operator, [], attrs, opset, lambda t: None) == ([], attrs)
    if not attrs:
        assert onnx.defs.get_schema(operator, oldest).since_version == oldest
    elif operator == "ScatterND":
        assert schema_has(operator, oldest, "reduction") == "an attribute"
        assert schema_has(operator, oldest - 1, "reduction") == ""
