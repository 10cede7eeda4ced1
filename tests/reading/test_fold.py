"""Values of nodes whose inputs are known, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import helper

from backends.onnx.reading.fold import TABLE_LIMIT, fold
from tests.sessions import run

KNOWN = {
    "a": np.array([[1, -2, 3], [4, 5, -6]]),
    "i": np.array([1, 0]),
    "f": np.array([0.5, 2.0], np.float32),
    "axes": np.array([1]),
}
TEXTS = {
    "y = Gather<axis=1>(a, i)": 13,
    "y = Concat<axis=0>(a, a)": 13,
    "y = Add(a, a)": 13,
    "y = Sub(a, i2)": 13,
    "y = Mul(a, a)": 13,
    "y = Unsqueeze(a, axes)": 13,
    "y = Unsqueeze<axes=[0,3]>(a)": 11,
    "y = Squeeze(b)": 13,
    "y = Squeeze(b, axes)": 13,
    "y = Cast<to=1>(a)": 13,
    "y = ReduceProd<keepdims=0>(a)": 13,
    "y = Identity(f)": 13,
    "y = Mod(a, i2)": 13,
    "y = Range(i0, i3, i1)": 13,
}
KNOWN |= {"i2": np.array([2]), "b": np.array([[[3]], [[4]]])}
KNOWN |= {"i0": np.array(0), "i3": np.array(7), "i1": np.array(3)}


@pytest.mark.parametrize(("text", "opset"), TEXTS.items(), ids=list(TEXTS))
def test_a_value_is_the_runtimes(text: str, opset: int) -> None:
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g () => (float y) {{ {text} }}'
    )
    (node,) = model.graph.node
    weights = [onnx.numpy_helper.from_array(KNOWN[name], name) for name in set(node.input)]
    model.graph.initializer.extend(weights)
    values: dict[str, Any] = dict(KNOWN)
    types: dict[str, onnx.TypeProto] = {}
    fold(node, types, values)
    kind = helper.np_dtype_to_tensor_dtype(values["y"].dtype)
    assert types["y"].tensor_type.elem_type == kind
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("y", kind, [None] * values["y"].ndim)
    )
    np.testing.assert_array_equal(values["y"], run(model)["y"])


def test_shapes_that_are_said() -> None:
    types = {"x": helper.make_tensor_type_proto(1, [2, 3, 5]), "n": None}
    types |= {"n": helper.make_tensor_type_proto(1, ["N", 3])}
    values: dict[str, Any] = {}
    fold(helper.make_node("Shape", ["x"], ["whole"]), types, values)
    fold(helper.make_node("Shape", ["x"], ["part"], start=1, end=-1), types, values)
    fold(helper.make_node("Shape", ["n"], ["open"]), types, values)
    assert {name: value.tolist() for name, value in values.items()} == {
        "whole": [2, 3, 5],
        "part": [3],
    }


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Add", ["a", "unknown"], ["y"]),
        helper.make_node("RandomNormalLike", ["f"], ["y"]),
        helper.make_node("Expand", ["i2", "far"], ["y"]),
        helper.make_node("ConstantOfShape", ["far"], ["y"]),
        helper.make_node("NobodysOwn", ["a"], ["y"], domain="my"),
    ],
    ids=lambda node: node.op_type,
)
def test_what_is_no_value(node: onnx.NodeProto) -> None:
    values: dict[str, Any] = KNOWN | {"far": np.array([TABLE_LIMIT + 1])}
    fold(node, {}, values)
    assert "y" not in values
