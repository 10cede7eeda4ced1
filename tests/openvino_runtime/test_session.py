"""A session of OpenVINO: names, types, and complaints in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import helper, numpy_helper

from backends.openvino.session import open_session
from cam_core.errors import InputError, MissingExtraError, ModelError

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 2] b, int64[N, 2] a, float[1] unused) => (float[N, 2] y, int64[N, 2] z) {
    f = Cast<to = 1>(a)
    y = Sub(b, f)
    z = Add(a, a)
}"""


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed")


def test_inputs_and_outputs_go_by_name() -> None:
    session = open_session(onnx.parser.parse_model(TEXT), None, device="CPU", properties={})
    assert [(i.name, i.type) for i in session.get_inputs()] == [
        ("b", "tensor(float)"),
        ("a", "tensor(int64)"),
        ("unused", "tensor(float)"),
    ]
    assert session.get_inputs()[0].shape == ["N", 2]
    feed = {
        "a": np.array([[1, 2]]),
        "b": np.array([[5, 5]], np.float32),
        "unused": np.ones(1, np.float32),
    }
    z, y = session.run(["z", "y"], feed)
    assert (y.tolist(), z.tolist()) == ([[4, 3]], [[2, 4]])
    assert (y.dtype, z.dtype) == (np.float32, np.int64)
    first = session.run(["y"], feed)[0]
    session.run(["y"], feed | {"b": np.zeros((1, 2), np.float32)})
    assert first.tolist() == [[4, 3]]  # a later run writes elsewhere


def test_complaints_are_one_line() -> None:
    session = open_session(onnx.parser.parse_model(TEXT), None, device="CPU", properties={})
    with pytest.raises(InputError, match="OpenVINO could not run the model"):
        session.run(None, {"a": np.ones((1, 3), np.int64), "b": np.ones((1, 2), np.float32)})
    unknown = TEXT.replace("Sub(b, f)", "Nowhere(b, f)")
    with pytest.raises(ModelError, match="OpenVINO cannot load the model") as raised:
        open_session(onnx.parser.parse_model(unknown), None, device="CPU", properties={})
    assert "Nowhere" in str(raised.value)
    with pytest.raises(ModelError, match="cannot load"):
        open_session(onnx.parser.parse_model(TEXT), None, device="TOASTER", properties={})


def test_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    w = np.arange(600, dtype=np.float32).reshape(2, 300)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", 1, ["N", 2])],
        [helper.make_tensor_value_info("y", 1, ["N", 300])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, str(tmp_path / "m.onnx"), save_as_external_data=True, size_threshold=0)
    bare = onnx.load(str(tmp_path / "m.onnx"), load_external_data=False)
    session = open_session(bare, tmp_path, device="CPU", properties={})
    (y,) = session.run(None, {"x": np.ones((1, 2), np.float32)})
    np.testing.assert_allclose(y[0], w.sum(0))


def test_without_openvino_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"cam-core\[openvino\]"):
        open_session(onnx.parser.parse_model(TEXT), None, device="CPU", properties={})
