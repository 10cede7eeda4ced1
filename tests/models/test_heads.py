"""What the outputs of deployed files are: as the notes beside the files say it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from backends.onnx import OnnxBackend
from cam_core.sources import known
from tests.paths import DATA

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")


class Row(NamedTuple):
    """A file, and what its outputs are."""

    model: str
    output: str
    """The one with the score."""
    kind: str
    classes: int
    probability: str = ""
    others: dict[str, str] = {}  # noqa: RUF012  (never written to)
    """The kind of each other output."""


ROWS = [
    Row("blazeface-front", "classificators", "dense classes", 1, "", {"regressors": "boxes"}),
    Row("cifar10-resnet-2b", "33", "classes", 10),
    Row("cifar10-vit", "output", "classes", 10),
    Row("deeplab-v3-voc", "ResizeBilinear_3", "dense classes", 21),
    Row("eeg-ecg-two-inputs", "logits", "classes", 4),
    Row("face-landmark", "conv2d_20", "regression", 1404, "", {"conv2d_30": "regression"}),
    Row("fastestdet", "758", "boxes", 80, "exp"),
    Row("mesonet", "dense_1", "binary", 1, "sigmoid"),
    Row("mnist-cntk", "Plus214_Output_0", "classes", 10),
    Row("mobilenetv2-fp32", "output", "classes", 1000),
    Row("mobilenetv2-int8-qdq", "output", "classes", 1000),
    Row("person-reid", "Identity:0", "embedding", 256),
    Row("ppocr-rec-en", "save_infer_model/scale_0.tmp_1", "sequence", 97, "softmax"),
    Row("silero-vad", "output", "binary", 1, "sigmoid", {"stateN": "unknown"}),
    Row("squeezenet-zipmap", "classLabel", "multi-label", 10, "sigmoid", {"loss": "multi-label"}),
    Row("squeezenet1.0-nhwc", "softmax_tensor", "classes", 1001, "softmax"),
    Row("squeezenet1.1-fp16-opset7", "softmaxout_1", "classes", 1000, "softmax"),
    Row("squeezenet1.1-fp32", "squeezenet0_flatten0_reshape0", "unknown", 1000),
    Row("ultraface-rfb320", "scores", "dense classes", 2, "softmax", {"boxes": "boxes"}),
    Row("yolov8n-int8", "output0", "boxes", 2, "sigmoid"),
    Row("yolox-nano", "output", "boxes", 80, "exp"),
]
LACKING = {"mobilenetv2-weights-missing"}
"""Refused before anything is found."""


@pytest.mark.parametrize("row", ROWS, ids=[row.model for row in ROWS])
def test_what_the_outputs_are(row: Row) -> None:
    backend = OnnxBackend(DATA / "models" / f"{row.model}.onnx")
    first, *others = backend.heads()
    assert (first.output, first.kind, first.probability) == (row.output, row.kind, row.probability)
    assert backend.classes == row.classes
    assert {head.output: head.kind for head in others} == row.others
    assert all(head.evidence for head in (first, *others))


def test_every_file_has_its_row() -> None:
    files = {path.stem for path in (DATA / "models").glob("*.onnx")}
    assert files == {row.model for row in ROWS} | LACKING


GUESSED = {  # as the tools of each publish it
    "ultraface-rfb320": "as UltraFace",
    "fastestdet": "as FastestDet",
    "yolox-nano": "as YOLOX",
    "blazeface-front": "as BlazeFace",
}


@pytest.mark.parametrize("model", GUESSED)
def test_whose_photos_a_detector_wants(model: str) -> None:
    facts = known(DATA / "models" / f"{model}.onnx")
    assert facts.preprocess_source.startswith(f"{GUESSED[model]}, a guess")
