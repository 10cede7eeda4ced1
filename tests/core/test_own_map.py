"""The map that a model gives itself, by hand and beside ours on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.cli.group import gradcam
from cam_core.head import Head
from cam_core.own_map import own_map
from cam_core.region import Places, Region

pytest.importorskip("onnxruntime", reason="no runtime is installed")

REGION = Region("x", (2, 3), ((0, 1), (0, 1)), (2, 3))
PICTURE = Head("m", "picture", "", "m", 1, places=Places("NCHW", REGION))
CLASSES = Head("y", "classes", "", "y", 1)
ANOMALY = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 16, 24] x) => (
    float[N] pred_score, bool[N] pred_label, float[N, 1, 16, 24] anomaly_map, bool[N, 1, 16, 24] m
) {
    c = Conv<pads = [1, 1, 1, 1]>(x, k) a = Relu(c) anomaly_map = Conv(a, v)
    pred_score = ReduceMax<axes = [1, 2, 3], keepdims = 0>(anomaly_map)
    half = Constant<value = float {0.5}>()
    pred_label = Greater(pred_score, half) m = Greater(anomaly_map, half)
}"""


def anomalies() -> Any:
    """As anomalib exports them; a bright place is an anomaly."""
    model = onnx.parser.parse_model(ANOMALY)
    for name, weight in (("k", np.ones((2, 3, 3, 3))), ("v", np.ones((1, 2, 1, 1)))):
        model.graph.initializer.append(numpy_helper.from_array(weight.astype(np.float32), name))
    return model


def test_it_is_the_first_picture_among_the_outputs(rng: np.random.Generator) -> None:
    y, m = rng.normal(size=(2, 5)), rng.normal(size=(2, 3, 4, 6))
    found = own_map([CLASSES, PICTURE], y, {"m": m})
    assert found is not None
    assert found.name == "m"
    np.testing.assert_allclose(found.values, m.mean(axis=1))
    assert own_map([CLASSES], y, {"m": m}) is None
    assert own_map([CLASSES, PICTURE], y, {}) is None
    scored = own_map([PICTURE], m, {})
    assert scored is not None
    np.testing.assert_allclose(scored.values, m.mean(axis=1))


def test_of_an_anomaly_score_its_map_is_known(rng: np.random.Generator) -> None:
    backend = OnnxBackend(anomalies())
    assert backend.heads()[0].output == "pred_score"
    x = rng.random((2, 3, 16, 24), np.float32)
    found = explain(backend, x)
    assert found.own is not None
    np.testing.assert_allclose(found.own.values, backend.forward(x)["anomaly_map"][:, 0])
    np.testing.assert_allclose(found.score, found.own.values.max(axis=(1, 2)))
    assert found[1].own is not None
    np.testing.assert_array_equal(found[1].own.values, found.own.values[1:])


def test_both_are_shown(tmp_path: Path) -> None:
    """The bright corner of the photo is hot in the model's own map, on the right."""
    onnx.save(anomalies(), tmp_path / "anomalies.onnx")
    photo = np.full((64, 96, 3), 20, np.uint8)
    photo[:16, :16] = 250
    Image.fromarray(photo).save(tmp_path / "scan.png")
    call = ["explain", str(tmp_path / "anomalies.onnx"), str(tmp_path / "scan.png")]
    done = CliRunner().invoke(gradcam, [*call, "--preprocess", "unit", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (path,) = tmp_path.glob("scan.*.gradcam.png")
    card = np.asarray(Image.open(path).convert("RGB")).astype(int)
    width = card.shape[1] // 2
    for start in (0, width):  # 448 x 299 pixels of photo, 12 from the edges
        photo = card[12:310, start + 12 : start + 460]
        row, column = np.unravel_index((photo[..., 0] - photo[..., 2]).argmax(), photo.shape[:2])
        assert max(row, column) < 110, "the corner is the hottest"


def test_it_is_read_once_for_all_questions(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    from cam_core import explain_all, looking

    calls: list[object] = []
    own = looking.own_map
    monkeypatch.setattr(looking, "own_map", lambda *given: calls.append(1) or own(*given))
    x = rng.normal(size=(1, 3, 16, 24)).astype(np.float32)
    found = explain_all(OnnxBackend(anomalies()), x, ["value", "-value"], ["gradcam", "hirescam"])
    assert len(found) == 4
    assert all(one.own is found[0].own is not None for one in found)
    assert len(calls) == 1
