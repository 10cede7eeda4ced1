"""The presets on real models: the classes and probabilities that their documentation gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.image import PRESETS, Preprocess, preprocess, read
from tests.paths import DATA

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")

HALF = replace(PRESETS["unit"], mean=(0.5,), resize=256)
BOXES = replace(PRESETS["raw"], bgr=True, fit="letterbox")

KNOWN = [  # model, preprocessing, class and probability
    ("mobilenetv2-fp32", PRESETS["imagenet"], {243: 0.38, 282: 0.22}),
    ("mobilenetv2-int8-qdq", PRESETS["imagenet"], {282: 0.56}),
    ("squeezenet1.1-fp32", PRESETS["imagenet"], {242: 0.23, 243: 0.21}),
    ("squeezenet1.1-fp16-opset7", PRESETS["caffe"], {243: 0.59}),
    ("squeezenet1.0-nhwc", HALF, {283: 0.64}),  # class 0 is the background
]


def infer(model: str, spec: Preprocess) -> Any:
    """The first output for both.png, float64."""
    ort = pytest.importorskip("onnxruntime", reason="no runtime is installed")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    path = str(DATA / "models" / f"{model}.onnx")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (found,) = session.get_inputs()
    dtype = np.dtype("float16" if "16" in found.type else "float32")
    info = InputInfo(found.name, tuple(found.shape), dtype)
    x = preprocess(read(DATA / "images" / "both.png"), spec, info).x
    return session.run(None, {found.name: x})[0].astype(np.float64)


@pytest.mark.parametrize(("model", "spec", "known"), KNOWN, ids=[row[0] for row in KNOWN])
def test_known_probabilities(model: str, spec: Preprocess, known: dict[int, float]) -> None:
    y = infer(model, spec).ravel()
    p = y if y.min() >= 0 and abs(y.sum() - 1) < 0.01 else np.exp(y) / np.exp(y).sum()
    for index, expected in known.items():
        assert p[index] == pytest.approx(expected, abs=0.006)  # stated to two digits


def test_a_letterboxed_detector_finds_dog_and_cat() -> None:
    boxes = infer("yolox-nano", BOXES)[0]
    scores = (boxes[:, 4:5] * boxes[:, 5:]).max(axis=0)
    assert scores[16] == pytest.approx(0.90, abs=0.006)
    assert scores[15] == pytest.approx(0.73, abs=0.006)
