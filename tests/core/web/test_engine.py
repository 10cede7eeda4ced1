"""Whole models in the browser's runtime, in node: scores and maps are those of `explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="a model has to run here to be compared with")

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.boxes import find_boxes
from cam_core.demo.data import DETECTOR, MODEL, load_crowds, load_scenes
from cam_core.image import Preprocess, preprocess
from cam_core.recording import sha256_of
from cam_core.recording.recorded import from_npz
from tests.core.web.page import Call, photo, runtime_folder
from tests.core.web.sites import DATA, made_for_page

LOOK = """
const [folder, bytes, pixels, asks] = args;
const { createRequire } = await import("node:module");
const { pathToFileURL } = await import("node:url");
const fs = await import("node:fs");
const there = createRequire(folder + "/").resolve("onnxruntime-web");
const ort = (await import(pathToFileURL(there))).default;
ort.env.wasm.numThreads = 1;
const { look, open, record } = await load("engine");
const { factsOf } = await load("facts");
const model = fs.readFileSync(bytes);
const engine = await open(ort, factsOf(model, "m.onnx"), new Uint8Array(model), "wasm");
const found = [];
for (const ask of asks) {
  const one = await look(engine, pixels, ask, { view: "heat", weight: 0.5 });
  found.push({ ...one, picture: null, recording: await record(engine) });
}
return found;
"""
CLOSE = 1e-4
"""Of the largest number: float32 sums in another order on another processor's code."""
INT8 = 0.05
"""A step of a quantiser may fall to the other side: onnxruntime fuses what WebAssembly does not."""


def looked(
    node: Call, tmp_path: Path, path: Path, pixels: Any, asks: list[Any], **asked: Any
) -> Any:
    """What the page's engine says, and how the model wants its photos."""
    made = made_for_page(path, **asked)
    file = tmp_path / "page.onnx"
    file.write_bytes(made.model.content)
    return node.body(LOOK, str(runtime_folder()), str(file), photo(pixels), asks), made


def prepared(made: Any, backend: OnnxBackend, pixels: Any) -> Any:
    names = Preprocess.__dataclass_fields__
    picture = made.record["inputs"][0]["picture"]
    spec = {k: tuple(v) if isinstance(v, list) else v for k, v in picture.items() if k in names}
    return preprocess(pixels, Preprocess(**spec), backend.inputs()[0])


def same(found: Any, expected: Any, close: float = CLOSE) -> None:
    """One look and one explanation."""
    for name in ("map", "signed"):
        value = getattr(expected, name)[0]
        grid = np.reshape(found[name]["data"], (found[name]["height"], found[name]["width"]))
        scale = float(np.abs(value).max()) or 1.0
        np.testing.assert_allclose(grid, value, rtol=0, atol=close * scale, err_msg=name)
    np.testing.assert_allclose(found["score"], expected.score[0], rtol=close, atol=close)
    np.testing.assert_allclose(found["rawMax"], expected.raw_max[0], rtol=close, atol=1e-12)


@pytest.mark.parametrize("scene", [0, 1, 2])
def test_a_classifier(scene: int, node: Call, tmp_path: Path) -> None:
    pixels = load_scenes()[scene].pixels()
    asks = [{"class": -1}, {"class": 3}, {"class": 7}]
    found, made = looked(node, tmp_path, Path(str(MODEL)), pixels, asks)
    backend = OnnxBackend(MODEL)
    x = prepared(made, backend, pixels)
    for one, target in zip(found, [None, 3, 7], strict=True):
        expected = explain(backend, x.x, target)
        same(one, expected)
        assert one["which"] == expected.classes[0]
        assert one["diagnosis"] == expected.diagnosis[0]
        assert one["description"] == x.description
        recorded = from_npz(bytes(one["recording"]), "photo.npz")
        assert recorded.input_sha256 == sha256_of(x.x)
        assert recorded.cam_class_used == expected.classes[0]
        np.testing.assert_allclose(recorded.logits, backend.forward(x.x)["logits"], atol=1e-4)


def test_a_detector(node: Call, tmp_path: Path) -> None:
    pixels = load_crowds()[0].pixels()
    asks = [{"box": 0}, {"box": 1}]
    found, made = looked(node, tmp_path, Path(str(DETECTOR)), pixels, asks)
    backend = OnnxBackend(DETECTOR)
    x = prepared(made, backend, pixels)
    boxes = find_boxes(backend, x.x, placement=x.placement)
    for rank, one in enumerate(found):
        assert len(one["boxes"]) == len(boxes)
        for box, expected in zip(one["boxes"], boxes, strict=True):
            assert box["which"] == expected["class"]
            np.testing.assert_allclose(box["corners"], expected["corners"], atol=0.02)
            np.testing.assert_allclose(box["value"], expected["probability"], atol=1e-4)
        same(one, explain(backend, x.x, f"box:{rank}"))


def shared(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    return path


def read(name: str) -> Any:
    return np.asarray(Image.open(shared(f"images/{name}")).convert("RGB"))


@pytest.mark.parametrize(
    ("name", "close"), [("mobilenetv2-fp32", 1e-3), ("mobilenetv2-int8-qdq", INT8)]
)
def test_a_real_classifier(name: str, close: float, node: Call, tmp_path: Path) -> None:
    pixels = read("kitten_224.png")
    path = shared(f"models/{name}.onnx")
    asks = [{"class": -1}, {"class": 243}]
    found, made = looked(node, tmp_path, path, pixels, asks, preprocess="imagenet")
    backend = OnnxBackend(path)
    x = prepared(made, backend, pixels)
    for one, target in zip(found, [None, 243], strict=True):
        same(one, explain(backend, x.x, target), close)


def test_a_real_detector(node: Call, tmp_path: Path) -> None:
    pixels = read("cat_dog.jpg")
    path = shared("models/yolox-nano.onnx")
    found, made = looked(node, tmp_path, path, pixels, [{"box": 0}, {"box": 1}])
    backend = OnnxBackend(path)
    x = prepared(made, backend, pixels)
    boxes = find_boxes(backend, x.x, placement=x.placement)
    assert len(boxes) >= 2
    for rank, one in enumerate(found):
        for box, expected in zip(one["boxes"], boxes, strict=True):
            assert box["which"] == expected["class"]
            np.testing.assert_allclose(box["corners"], expected["corners"], atol=0.05)
        same(one, explain(backend, x.x, f"box:{rank}"), 1e-3)


def test_a_real_segmenter(node: Call, tmp_path: Path) -> None:
    pixels = read("horses.jpg")
    path = shared("models/deeplab-v3-voc.onnx")
    asks = [{"region": -1}, {"region": 0}]
    found, made = looked(node, tmp_path, path, pixels, asks, preprocess="tf")
    backend = OnnxBackend(path)
    x = prepared(made, backend, pixels)
    for one, target in zip(found, ["region", "region:0"], strict=True):
        expected = explain(backend, x.x, target)
        assert one["which"] == expected.classes[0]
        same(one, expected, 1e-3)
        assert one["outline"]["height"] == 257
