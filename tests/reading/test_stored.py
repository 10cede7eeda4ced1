"""Weights beside the model: what is said of a place that cannot be right, and what is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx.reading.stored import embedded, external_tensors, require_beside
from cam_core.errors import ModelError
from tests.external import net

VALUE = np.arange(6, dtype=np.float32).reshape(2, 3)


def outside(**entries: str) -> onnx.TensorProto:
    """A tensor [2, 3] said to lie elsewhere."""
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[2, 3])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "parts").mkdir(parents=True)
    (home / "w.data").write_bytes(b"\xff" * 8 + VALUE.tobytes())
    (home / "parts" / "w.data").write_bytes(VALUE.tobytes())
    (tmp_path / "other.data").write_bytes(VALUE.tobytes())
    (home / "leads.data").symlink_to(tmp_path / "other.data")
    return home


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "w.data", "offset": "8", "length": "24"},
        {"location": "w.data", "offset": "8"},
        {"location": "parts/w.data"},
        {"location": "parts/../w.data", "offset": "8"},
    ],
    ids=str,
)
def test_it_is_read_where_it_lies(entries: dict[str, str], folder: Path) -> None:
    tensor = outside(**entries)
    require_beside(tensor, "m.onnx", folder)
    np.testing.assert_array_equal(numpy_helper.to_array(embedded(tensor, folder)), VALUE)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"location": "gone.data"}, "'gone.data', which is absent"),
        ({"location": "parts"}, "which is absent"),
        ({"location": "../other.data"}, "outside the model's folder"),
        ({"location": "leads.data"}, "outside the model's folder"),
        ({"location": ""}, "outside the model's folder"),
        ({"location": "a\0b"}, "outside the model's folder"),
        ({"location": "w.data", "offset": "9"}, "needs 33 bytes of 'w.data', which is shorter"),
        ({"location": "w.data", "length": "23"}, "with 23 bytes, its shape needs 24"),
        ({"location": "w.data", "offset": "-1"}, "said to lie at -1"),
        ({"location": "w.data", "offset": "x"}, "unreadable offset or length"),
    ],
    ids=lambda v: str(v),
)
def test_what_cannot_be_right(entries: dict[str, str], told: str, folder: Path) -> None:
    with pytest.raises(ModelError, match=told) as error:
        require_beside(outside(**entries), "m.onnx", folder)
    assert str(error.value).startswith("m.onnx: weight 'w' ")


def test_a_model_without_a_path_has_nothing_beside_it() -> None:
    with pytest.raises(ModelError, match=r"'w\.data'; open the model by its path"):
        require_beside(outside(location="w.data"), "model", None)


def test_those_in_bodies_and_attributes_count() -> None:
    model = net()
    assert external_tensors(model) == []
    model.graph.initializer[0].CopyFrom(outside(location="w.data"))
    node = model.graph.node.add(op_type="Constant", output=["c"])
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(outside())
    assert [t.name for t in external_tensors(model)] == ["w", "w"]
