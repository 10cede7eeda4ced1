"""The instrumented file on runtimes that are not onnxruntime's Python package: the same maps.

onnxruntime-web needs node and `npm install onnxruntime-web` in the folder that NODE_FOLDER names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator

from backends.onnx import instrument
from cam_core.demo import MODEL

DATA = Path(__file__).parents[2] / "shared" / "data" / "models"
OUTPUTS = ("map", "signed", "heatmap", "alpha", "score", "class_used", "gradients")

MODELS = {
    "demo": MODEL,
    "mobilenetv2": DATA / "mobilenetv2-fp32.onnx",
    "squeezenet": DATA / "squeezenet1.1-fp32.onnx",
    "vit": DATA / "cifar10-vit.onnx",
}

NODE = """
import { createRequire } from "node:module";
import fs from "node:fs";
import { pathToFileURL } from "node:url";
const [folder, job] = process.argv.slice(2);
const found = createRequire(folder + "/").resolve("onnxruntime-web");
const ort = (await import(pathToFileURL(found))).default;
ort.env.wasm.numThreads = 1;
const { model, feeds } = JSON.parse(fs.readFileSync(job));
const session = await ort.InferenceSession.create(fs.readFileSync(model), {
  executionProviders: ["wasm"], logSeverityLevel: 3,
});
const given = {};
for (const [name, t] of Object.entries(feeds)) {
  const data = t.type === "int64" ? BigInt64Array.from(t.data, BigInt) : Float32Array.from(t.data);
  given[name] = new ort.Tensor(t.type, data, t.dims);
}
const result = {};
for (const [name, t] of Object.entries(await session.run(given)))
  result[name] = { dims: t.dims, data: Array.from(t.data, Number) };
console.log(JSON.stringify(result));
"""


def _case(name: str, rng: np.random.Generator) -> tuple[onnx.ModelProto, dict[str, Any]]:
    path = Path(str(MODELS[name]))
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    model = instrument(path, outputs=OUTPUTS)
    image = next(i for i in model.graph.input if i.name != "cam_class")
    dims = [d.dim_value or 1 for d in image.type.tensor_type.shape.dim]
    x = rng.uniform(0, 1, size=dims).astype(np.float32)
    return model, {image.name: x, "cam_class": np.array([3])}


def _expected(model: onnx.ModelProto, feed: dict[str, Any]) -> dict[str, Any]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        scale = float(np.max(np.abs(value), initial=0)) or 1.0
        # float32 sums in another order
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=5e-5 * scale, err_msg=f"output {name}"
        )


@pytest.mark.parametrize("name", MODELS)
def test_openvino(name: str, rng: np.random.Generator) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    model, feed = _case(name, rng)
    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(model.SerializeToString()),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    results = compiled(feed)
    expected = _expected(model, feed)
    _same({name: results[compiled.output(name)] for name in expected}, expected)


@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_web(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    folder = os.environ.get("NODE_FOLDER", "")
    node = shutil.which("node")
    if node is None or not (Path(folder) / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("no node, or NODE_FOLDER names no folder with onnxruntime-web installed")
    model, feed = _case(name, rng)
    (tmp_path / "cam.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "run.mjs").write_text(NODE)
    feeds = {
        key: {"type": str(a.dtype), "dims": list(a.shape), "data": a.ravel().tolist()}
        for key, a in feed.items()
    }
    job = {"model": str(tmp_path / "cam.onnx"), "feeds": feeds}
    (tmp_path / "job.json").write_text(json.dumps(job))
    done = subprocess.run(
        [node, tmp_path / "run.mjs", folder, tmp_path / "job.json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    arrays = {key: np.reshape(t["data"], t["dims"]) for key, t in found.items()}
    _same(arrays, _expected(model, feed))


def test_the_reference_evaluator(rng: np.random.Generator) -> None:
    model, feed = _case("demo", rng)
    expected = _expected(model, feed)
    found = ReferenceEvaluator(model).run(list(expected), feed)
    _same(dict(zip(expected, found, strict=True)), expected)
