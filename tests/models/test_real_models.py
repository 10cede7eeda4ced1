"""Real models from public collections: found, explained and instrumented with no flags.

Each row states what is known of a model from elsewhere; the layer is the one that its authors (or
pytorch-grad-cam, for the same architecture) would name.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import ModelError
from cam_core.explain import explain
from cam_core.image import PRESETS, Preprocess, preprocess, read
from cam_core.targets import ClassTarget
from tests import sessions
from tests.paths import DATA

ort = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")


class Row(NamedTuple):
    """A model, what it is shown, and what is known."""

    model: str
    spec: Preprocess | None
    """None: random numbers."""
    layer: str
    score: str
    top: tuple[int, float] | None = None
    """Class and probability for both.png."""
    half: bool = False
    smooth: bool = True
    """Can central differences be taken (not of a quantised or float16 function)?"""
    anchors: int | None = None
    """How many of a detector's come from the layer, the first ones."""


HALF = replace(PRESETS["unit"], mean=(0.5,), resize=256)
LOGS = "cam.scores.cam.log.cam.log.at least.cam.classes.output"
"""log o + log p, which the file does not hold."""
BOXES = replace(PRESETS["raw"], bgr=True, fit="letterbox")
IMAGENET = PRESETS["imagenet"]

ROWS = [
    Row("mobilenetv2-fp32", IMAGENET, "627_QuantizeInput_relu6", "output", (243, 0.38)),
    Row("mobilenetv2-int8-qdq", IMAGENET, "627", "output", (282, 0.56), smooth=False),
    Row("squeezenet1.1-fp32", IMAGENET, "squeezenet0_concat7",
        "squeezenet0_flatten0_reshape0", (242, 0.23)),
    Row("squeezenet1.1-fp16-opset7", PRESETS["caffe"], "fire9/concat_1", "pool10_1", (243, 0.59),
        half=True, smooth=False),
    Row("squeezenet1.0-nhwc", HALF, "fire9_concat", "logits", (283, 0.64)),  # 0: background
    Row("squeezenet-zipmap", replace(PRESETS["raw"], bgr=True), "fire9_concat", "fc"),
    Row("mnist-cntk", PRESETS["raw"], "ReLU114_Output_0", "Plus214_Output_0"),
    Row("cifar10-resnet-2b", None, "29", "33"),
    Row("cifar10-vit", None, "/1/1.2/1.2.1/Add_output_0", "output"),
    Row("deeplab-v3-voc", PRESETS["tf"], "Relu__94:0", "ResizeBilinear_3"),
    Row("yolox-nano", BOXES, "1028", LOGS, anchors=52 * 52),
    Row("eeg-ecg-two-inputs", None, "/eeg_enc/net/net.8/Relu_output_0", "logits"),
]  # fmt: skip
EVERY = pytest.mark.parametrize("row", ROWS, ids=[row.model for row in ROWS])
LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}


def path(model: str) -> Path:
    return DATA / "models" / f"{model}.onnx"


@functools.cache
def backend(model: str) -> OnnxBackend:
    return OnnxBackend(path(model))


@functools.cache
def instrumented(model: str) -> bytes:
    return instrument(path(model), outputs=["map", "score", "class_used"]).SerializeToString()


@functools.cache
def shown(row: Row) -> dict[str, Any]:
    """both.png as the model sees it, or random numbers."""
    found, rng = {}, np.random.default_rng(3)
    for info in backend(row.model).inputs():
        if row.spec is None:
            extents = [d if isinstance(d, int) else n for d, n in zip(info.shape, (1, 0, 128, 0),
                                                                      strict=False)]  # fmt: skip
            found[info.name] = rng.normal(size=extents).astype(info.dtype)
        else:
            photo = read(DATA / "images" / "both.png")
            found[info.name] = preprocess(photo, row.spec, info).x.astype(info.dtype)
    return found


def run(model: bytes, feed: dict[str, Any], level: str = "all") -> dict[str, Any]:
    """What a client of the file sees at an optimisation level."""
    return sessions.run(model, feed, level=LEVELS[level])


@EVERY
def test_layer_and_score_are_found(row: Row) -> None:
    found = backend(row.model)
    assert (found.default_layer, found.score_name) == (row.layer, row.score)
    assert bool(found.layer_note) == (row.model in ("yolox-nano", "eeg-ecg-two-inputs"))


@pytest.mark.parametrize("row", [r for r in ROWS if r.top], ids=[r.model for r in ROWS if r.top])
def test_explanations_name_the_top_class(row: Row) -> None:
    assert row.top is not None
    e = explain(backend(row.model), shown(row))
    (capture,) = backend(row.model).capture(shown(row), lambda y, _: np.ones_like(y))
    y = capture.logits.astype(np.float64).ravel()
    p = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
    assert e.classes is not None
    assert e.classes[0] == row.top[0]
    assert p[row.top[0]] == pytest.approx(row.top[1], abs=0.006)  # stated to two digits


@EVERY
def test_instrumented_outputs_are_the_plain_ones_at_every_level(row: Row) -> None:
    plain, feed = path(row.model).read_bytes(), shown(row)
    asked = feed | {"cam_class": np.array([-1])}
    for level in LEVELS:
        expected, found = run(plain, feed, level), run(instrumented(row.model), asked, level)
        assert list(found)[: len(expected)] == list(expected)
        for name, value in expected.items():
            if not isinstance(value, np.ndarray):  # a ZipMap's dictionaries
                assert found[name] == value
            elif row.half:
                np.testing.assert_allclose(found[name], value, rtol=1e-3, err_msg=level)
            else:
                np.testing.assert_array_equal(found[name], value, err_msg=level)


@EVERY
def test_the_file_gives_the_map_that_python_gives(row: Row) -> None:
    feed = shown(row)
    e = explain(backend(row.model), feed, ClassTarget(-1, backend(row.model).class_axis))
    found = run(instrumented(row.model), feed | {"cam_class": np.array([-1])})
    assert np.isfinite(e.map).all()
    assert e.map.max() > 10 * e.noise_floor.max()
    assert np.ptp(e.map) > 0
    limit = (1e-2 if row.half else 1e-5) * np.linalg.norm(e.map)
    assert np.linalg.norm(found["cam_map"] - e.map) <= limit
    np.testing.assert_array_equal(found["cam_class_used"], e.classes)


SMOOTH = [r for r in ROWS if r.smooth]


@pytest.mark.parametrize("row", SMOOTH, ids=[r.model for r in SMOOTH])
def test_gradients_are_central_differences(row: Row, rng: np.random.Generator) -> None:
    """Along 8 directions, each a row of a batch; the median forgives a kink.

    What a ReLU made 0 stays 0: a MaxPool over equal zeros has no derivative.
    """
    model, feed = backend(row.model), shown(row)
    seed: list[Any] = []

    def target(y: Any, outputs: Any) -> Any:
        seed.append((y == y[:, : row.anchors].max()).astype(y.dtype))
        return seed[0]

    capture, *_ = model.capture(feed, target)  # of a detector the largest of its scales
    A, G = capture.activations, capture.gradients
    directions = rng.normal(size=(8, *A.shape[1:])).astype(np.float32) * A.std() * (A != 0)
    step = 1e-3
    batch = {name: np.repeat(value, 16, axis=0) for name, value in feed.items()}
    moved = np.concatenate([A + step * directions, A - step * directions])
    y = model.look(batch).tail(capture.layer)(moved).astype(np.float64)
    Y = (y * seed[0]).sum(axis=tuple(range(1, y.ndim)))
    differences = (Y[:8] - Y[8:]) / (2 * step)
    slopes = (directions.astype(np.float64) * G).reshape(8, -1).sum(axis=1)
    scale = np.abs(slopes).max()
    assert np.median(np.abs(differences - slopes)) < 1e-2 * scale


DOG, CAT = (70, 0, 180, 150), (30, 115, 207, 224)
"""Left, top, right, bottom in both.png as the models see it."""


def inside(heatmap: Any, box: tuple[int, int, int, int]) -> float:
    """The part of a heatmap's mass that lies in a box."""
    left, top, right, bottom = box
    return float(heatmap[top:bottom, left:right].sum() / heatmap.sum())


@pytest.mark.parametrize("row", ROWS[:3], ids=[row.model for row in ROWS[:3]])
def test_243_lights_the_dog_and_282_the_cat(row: Row) -> None:
    dog, cat = (explain(backend(row.model), shown(row), c).heatmap((224, 224))[0]
                for c in (243, 282))  # fmt: skip
    for heatmap, own, other in ((dog, DOG, cat), (cat, CAT, dog)):
        assert inside(heatmap, own) > 0.5
        assert inside(heatmap, own) > inside(other, own) + 0.2
        top, left = np.unravel_index(heatmap.argmax(), heatmap.shape)
        assert own[0] <= left < own[2]
        assert own[1] <= top < own[3]


def test_absent_weights_are_refused_in_one_line() -> None:
    with pytest.raises(ModelError) as caught:
        OnnxBackend(path("mobilenetv2-weights-missing"))
    message = str(caught.value)
    assert "\n" not in message
    for part in ("mobilenetv2-weights-missing.onnx", "mobilenet_v2_fp32.onnx.data", "absent"):
        assert part in message
    with pytest.raises(ModelError, match="absent"):
        instrument(path("mobilenetv2-weights-missing"))


CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR = [  # model, the standard deviations it was trained with, accuracy
    ("cifar10-resnet-2b", (0.247, 0.2435, 0.2616), 0.785),
    ("cifar10-vit", (0.2023, 0.1994, 0.2010), 1.0),
]


@pytest.mark.parametrize(("model", "std", "accuracy"), CIFAR, ids=[row[0] for row in CIFAR])
def test_cifar10_accuracy(model: str, std: tuple[float, ...], accuracy: float) -> None:
    """A batch of 242, which the first model, fixed at one row, takes row by row."""
    data = np.load(DATA / "cifar10_242.npz")
    mean, spread = (np.array(v).reshape(3, 1, 1) for v in (CIFAR_MEAN, std))
    x = ((data["x"] / 255 - mean) / spread).astype(np.float32)
    (y,) = backend(model).forward(x).values()
    assert np.mean(y.argmax(axis=1) == data["y"]) == pytest.approx(accuracy, abs=1 / 242)


def test_a_zip_map_keeps_its_labels() -> None:
    row = next(r for r in ROWS if r.model == "squeezenet-zipmap")
    model = onnx.load(path(row.model))
    outputs = [o.name for o in model.graph.output]
    found = run(instrumented(row.model), shown(row) | {"cam_class": np.array([-1])})
    label, c = found[outputs[0]], int(found["cam_class_used"][0])
    probabilities = found[outputs[1]][0]
    assert label[0] == list(probabilities)[c] == max(probabilities, key=probabilities.get)
