"""Pages of real models in a real browser: drawn, chosen, filmed, and on WebGPU."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="a model has to run here to be compared with")

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.image import PRESETS, Preprocess, preprocess, read
from cam_core.targets.detection.box import BoxTarget
from tests.core.web.browser import CAMERA, WEBGPU, opened, site_of
from tests.core.web.shown import CLOSE, DEMO, INT8, same, score_of, stopped
from tests.core.web.sites import DATA, made_for_page

REAL = [
    ("mobilenetv2-int8-qdq", "kitten_224.png", {"preprocess": "imagenet"}, "input"),
    ("yolox-nano", "cat_dog.jpg", {}, "box"),
    ("deeplab-v3-voc", "horses.jpg", {"preprocess": "tf"}, "region"),
]


@pytest.mark.parametrize(("name", "photo", "asked", "kind"), REAL, ids=[row[0] for row in REAL])
def test_real_models(
    name: str, photo: str, asked: Any, kind: str, tools: Any, tmp_path: Path
) -> None:
    path, picture = DATA / "models" / f"{name}.onnx", DATA / "images" / photo
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    made = made_for_page(path, **asked)
    spec = made.record["inputs"][0]["picture"]
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in spec.items()}
    names = Preprocess.__dataclass_fields__
    backend = OnnxBackend(path)
    how = Preprocess(**{k: v for k, v in fields.items() if k in names})
    x = preprocess(read(picture), how, backend.inputs()[0]).x
    site = site_of(tmp_path, [path], {}, **asked)
    second = int(np.argsort(-backend.look(x, layers=()).score.ravel(), kind="stable")[1])
    targets = {
        "input": [None, second if kind == "input" else None],
        "box": ["box:0", "box:1"],
        "region": ["region", "region:0"],
    }
    close = INT8 if "int8" in name else CLOSE
    with opened(tools, site, "--disable-gpu", *CAMERA) as page:
        page.goto()
        page.drop(photo, picture.read_bytes())
        page.status(f"{photo}: ")
        expected = explain(backend, x, targets[kind][0])
        same(page.recording(), expected, close)
        assert score_of(page) == pytest.approx(expected.score[0], rel=close)
        other = page.page.locator(".answers button[aria-pressed=false]").first
        title = other.locator("b").inner_text()
        other.click()
        page.expect(".title", title)
        page.page.wait_for_selector(".look:not(.waiting)")
        expected = explain(backend, x, targets[kind][1])
        same(page.recording(), expected, close)
        assert score_of(page) == pytest.approx(expected.score[0], rel=close)
        if kind == "box":
            page.page.locator(".marks button[aria-pressed=false]").first.click()
            page.page.wait_for_selector(".look:not(.waiting)")
            page.page.click("#camera")
            page.status("Live, ")
            stopped(page, backend, how, BoxTarget(lenient=True))  # no object is filmed
        page.clean()


WEBGPU_MODELS = ["demo", "yolox-nano"]
ON_THE_PROCESSOR = 400_000
"""Milliseconds for a detector on WebGPU without a GPU: four runs take about 100 s."""


@pytest.mark.parametrize("name", WEBGPU_MODELS)
def test_webgpu_takes_over_once_it_agrees(name: str, tools: Any, tmp_path: Path) -> None:
    """On an adapter that computes on the processor; skipped where the browser brings none."""
    path = DEMO if name == "demo" else DATA / "models" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    with opened(tools, site_of(tmp_path, [path]), *WEBGPU) as page:
        page.goto("?runtime=webgpu", ON_THE_PROCESSOR)
        runs = page.text("#engine")
        if "no WebGPU" in runs:
            pytest.skip(f"the browser says: {runs}")
        assert runs.startswith("Runs on WebGPU (its map is WebAssembly's within "), runs
        found = page.recording()
        page.goto("?runtime=wasm")
        assert page.text("#engine").startswith("Runs on WebAssembly")
        expected = page.recording()
        scale = float(expected.cam_map.max())
        assert scale > 0
        np.testing.assert_allclose(found.cam_map, expected.cam_map, rtol=0, atol=CLOSE * scale)
        scores = [
            np.exp(one.logits) if name == "yolox-nano" else one.logits for one in (found, expected)
        ]
        np.testing.assert_allclose(*scores, atol=CLOSE * 10)  # the detector's are logarithms
        page.clean()


def test_webgpu_that_does_not_agree_is_not_taken(tools: Any, tmp_path: Path) -> None:
    """Of this quantised model it gives other logits, of the plain file as well."""
    path, picture = DATA / "models" / "mobilenetv2-int8-qdq.onnx", DATA / "images/kitten_224.png"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    asked = {"preprocess": "imagenet"}
    site = site_of(tmp_path, [path], {picture.name: picture.read_bytes()}, **asked)
    with opened(tools, site, *WEBGPU) as page:
        page.goto("?runtime=webgpu")
        runs = page.text("#engine")
        if "no WebGPU" in runs:
            pytest.skip(f"the browser says: {runs}")
        assert re.fullmatch(
            r"Runs on WebAssembly, \d threads?; WebGPU gives another map \(apart by [\d.]+ of it\)",
            runs,
        )
        backend = OnnxBackend(path)
        x = preprocess(read(picture), PRESETS["imagenet"], backend.inputs()[0]).x
        same(page.recording(), explain(backend, x), INT8)
        page.clean()
