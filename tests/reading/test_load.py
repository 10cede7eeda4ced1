"""Weights in other files, of any size: found, brought along, and not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from google.protobuf.message import EncodeError

from backends.onnx import OnnxBackend, instrument
from backends.onnx.reading.load import LARGEST_MESSAGE, load, message_size
from cam_core.errors import CamError, ModelError
from cam_core.targets import ClassTarget
from tests.external import images, net, written
from tests.sessions import run


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


STUMP = """ai.onnx.ml.TreeEnsembleClassifier<classlabels_int64s = [0, 1], post_transform = "NONE",
    class_ids = [0, 1], class_nodeids = [1, 2], class_treeids = [0, 0], class_weights = [1.0, 1.0],
    nodes_falsenodeids = [2, 0, 0], nodes_featureids = [0, 0, 0],
    nodes_modes = ["BRANCH_LEQ", "LEAF", "LEAF"], nodes_nodeids = [0, 1, 2],
    nodes_treeids = [0, 0, 0], nodes_truenodeids = [1, 0, 0], nodes_values = [0.5, 0.0, 0.0]>"""
LINEAR = """ai.onnx.ml.LinearClassifier<classlabels_ints = [0, 1], post_transform = "SOFTMAX",
    coefficients = [1.0, -1.0, 0.5, 2.0], intercepts = [0.0, 0.1]>"""
VECTORS = """ai.onnx.ml.SVMRegressor<kernel_type = "LINEAR", coefficients = [1.0, 2.0],
    kernel_params = [0.0, 0.0, 0.0], rho = [0.0]>"""
TABLES = {
    "trees": (f"label, y = {STUMP}(x)", "trees have no gradient and no map"),
    "scaled, then linear": (
        f"s = ai.onnx.ml.Scaler<offset = [0.0], scale = [2.0]>(x) label, p = {LINEAR}(s) "
        "y = Identity(p)", "the gradient of its scores is its coefficients"),
    "support vectors": (f"y = {VECTORS}(x)", "features have no places"),
    "trees and arithmetic": (f"a = Mul(x, x) label, p = {STUMP}(a) y = Neg(p)", "trees have no"),
}  # fmt: skip


def table(body: str, standard: bool = True) -> onnx.ModelProto:
    imports = '"ai.onnx.ml" : 3' + (', "" : 15' if standard else "")
    return onnx.parser.parse_model(
        f"<ir_version: 8, opset_import: [{imports}]> "
        f"g (float[N, 2] x) => (float[N, C] y) {{{body}}}"
    )


@pytest.mark.parametrize(("body", "why"), TABLES.values(), ids=list(TABLES))
def test_a_learner_of_tables_is_told_why_it_has_no_map(body: str, why: str, tmp_path: Path) -> None:
    model = table(body)
    run(model, x=np.ones((3, 2), np.float32))  # it is sound: there is just nothing to see
    with pytest.raises(ModelError, match=f"^forest.onnx is a model of .*{why}"):
        load(_in(tmp_path, model))


def _in(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "forest.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_model_that_imports_nothing_else_is_told_the_same() -> None:
    with pytest.raises(ModelError, match="trees have no gradient"):
        load(table(TABLES["trees"][0], standard=False))


@pytest.mark.parametrize(
    "before",
    [
        "f = Gemm(x, w)",
        "q = Unsqueeze(x, two) c = MaxPool<kernel_shape = [1]>(q) f = Squeeze(c, two)",
    ],
)
def test_a_network_before_a_learner_is_no_table(before: str) -> None:
    load(table(f"{before} label, y = {STUMP}(f)"))
    load(table("y = Neg(x)"))
