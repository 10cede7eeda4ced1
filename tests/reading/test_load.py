"""Weights in other files, of any size: found, brought along, and not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import EncodeError

from backends.onnx import OnnxBackend, instrument
from backends.onnx.reading.load import LARGEST_MESSAGE, load, message_size
from cam_core.errors import CamError
from cam_core.targets import ClassTarget
from tests.external import images, net, written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "source")


@pytest.mark.parametrize("layer", ["a", "c"])
def test_external_weights_give_the_same_gradient(path: Path, layer: str) -> None:
    far, near = OnnxBackend(path), OnnxBackend(net())
    (found,) = far.capture(images(), ClassTarget(2), layers=[layer], input_gradients=True)
    (wanted,) = near.capture(images(), ClassTarget(2), layers=[layer], input_gradients=True)
    assert np.abs(wanted.gradients).max() > 0
    np.testing.assert_array_equal(found.gradients, wanted.gradients)
    assert found.input_gradients is not None
    assert wanted.input_gradients is not None
    np.testing.assert_array_equal(found.input_gradients["x"], wanted.input_gradients["x"])


@pytest.mark.parametrize("gate", [False, True])
def test_what_is_added_does_not_depend_on_where_weights_lie(path: Path, gate: bool) -> None:
    """Small constants are read: columns that are known to be distinct need no sum of repeats."""
    far, near = (instrument(m, layer="a", gate=gate, verify=True) for m in (path, net()))
    assert [n.op_type for n in far.graph.node] == [n.op_type for n in near.graph.node]
    assert far.ByteSize() - load(path).model.ByteSize() < near.ByteSize() - net().ByteSize() + 999


def test_a_message_too_large_to_be_counted_is_too_large() -> None:
    class Large:
        def ByteSize(self) -> int:
            raise EncodeError("Failed to serialize proto")  # what protobuf says beyond 2 GiB

    assert message_size(Large()) > LARGEST_MESSAGE  # type: ignore[arg-type]


def test_bytes_alone_cannot_be_opened(path: Path) -> None:
    with pytest.raises(CamError, match="open the model by its path"):
        instrument(path.read_bytes())
