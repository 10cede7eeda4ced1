"""Whose fault it is where the result is not valid ONNX."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx.writing.valid import blame, require_valid, weightless
from cam_core.errors import CamError, ModelError


def model(body: str, kind: str = "float") -> onnx.ModelProto:
    found = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 40] x) => ({kind}[N, 30] y) {{ {body} }}""")
    w = np.zeros((40, 30), np.float32)
    found.graph.initializer.append(numpy_helper.from_array(w, "w"))
    found.graph.initializer.append(numpy_helper.from_array(w[0], "b"))
    return found


RIGHT = model("m = MatMul(x, w) y = Add(m, b)")
WRONG = model("m = MatMul(x, w) y = Nonsense(m, b)")


def test_a_defect_of_ours_is_told_from_one_of_the_source() -> None:
    require_valid(RIGHT, RIGHT)
    require_valid(WRONG, WRONG)  # which never passed
    with pytest.raises(CamError, match=r"is not valid ONNX; please report: .*Nonsense"):
        require_valid(WRONG, RIGHT)


def test_who_is_to_blame() -> None:
    error = ValueError("what a rule said")
    ours = blame(RIGHT, "at a", error)
    assert not isinstance(ours, ModelError)
    assert "please report: ValueError('what a rule said')" in str(ours)
    theirs = blame(model("m = MatMul(w, w) y = Add(m, b)"), "at a", error)
    assert isinstance(theirs, ModelError)
    assert str(theirs).startswith("at a: the model contradicts itself")


def test_large_weights_are_left_out_and_small_ones_kept() -> None:
    light = weightless(RIGHT)
    assert [t.name for t in light.graph.initializer] == ["b"]
    assert [i.name for i in light.graph.input] == ["x", "w"]
    dims = light.graph.input[1].type.tensor_type.shape.dim
    assert [d.dim_value for d in dims] == [40, 30]
    assert list(light.graph.node) == list(RIGHT.graph.node)
    assert len(RIGHT.graph.initializer) == 2
