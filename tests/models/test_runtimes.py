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
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from backends.onnx import instrument
from cam_core.demo import MODEL
from tests import paths
from tests.sessions import run

DATA = paths.DATA / "models"
OUTPUTS = ("map", "signed", "heatmap", "alpha", "score", "class_used", "gradients")

MODELS = {
    "demo": MODEL,
    "mobilenetv2": DATA / "mobilenetv2-fp32.onnx",
    "squeezenet": DATA / "squeezenet1.1-fp32.onnx",
    "vit": DATA / "cifar10-vit.onnx",
}

FOR_BROWSERS = {
    "mobilenetv2-int8": DATA / "mobilenetv2-int8-qdq.onnx",
    "yolox": DATA / "yolox-nano.onnx",
    "deeplab": DATA / "deeplab-v3-voc.onnx",
}
CASES = [*MODELS, "early"]
PER_LAYER = ("map", "gradients")

EARLY = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 16, 16, 12] x) => (float[N, 5] y) {
    c1 = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, w1)
    r1 = Relu(c1)
    c2 = Conv<pads = [1, 1, 1, 1], group = 16>(r1, w2)
    r2 = Clip(c2, low, high)
    p2 = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(r2)
    c3 = Conv(p2, w3)
    s3 = Sigmoid(c3)
    r3 = Mul(c3, s3)
    c4 = ConvTranspose<strides = [2, 2]>(r3, w4)
    r4 = LeakyRelu(c4)
    gap = GlobalAveragePool(r4)
    flat = Flatten(gap)
    m5 = MatMul(flat, w5)
    r5 = Softplus(m5)
    m6 = Gemm<transB = 1>(r5, w6)
    r6 = Tanh(m6)
    y = MatMul(r6, w7)
}"""
"""Everything between an early layer and the score; its weights are as square as they come."""
SHAPES = {"w1": (16, 16, 3, 3), "w2": (16, 1, 3, 3), "w3": (16, 16, 1, 1), "w4": (16, 16, 2, 2),
          "w5": (16, 16), "w6": (16, 16), "w7": (16, 5)}  # fmt: skip

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


def _early(rng: np.random.Generator) -> tuple[onnx.ModelProto, dict[str, Any]]:
    source = onnx.parser.parse_model(EARLY)
    values = {n: rng.normal(size=s) * (6 / np.prod(s[1:])) ** 0.5 for n, s in SHAPES.items()}
    values |= {"low": np.array(0.0), "high": np.array(0.5)}
    source.graph.initializer.extend(
        numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items()
    )
    model = instrument(source, layer=["c1", "r4"], outputs=[*PER_LAYER, "input_gradients"])
    x = rng.uniform(-1, 1, size=(2, 16, 16, 12)).astype(np.float32)
    return model, {"x": x, "cam_class": np.array([3])}


def _case(
    name: str, rng: np.random.Generator, profile: str | None = None
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    if name == "early":
        return _early(rng)
    path = Path(str({**MODELS, **FOR_BROWSERS}[name]))
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the folder with real models is absent")
    outputs = OUTPUTS if name != "yolox" else ("map", "signed", "heatmap")
    model = instrument(path, outputs=outputs, profile=profile)
    image = next(i for i in model.graph.input if i.name != "cam_class")
    dims = [d.dim_value or 1 for d in image.type.tensor_type.shape.dim]
    # yolox takes 0..255: of less its scores are logarithms of almost 0, which are mostly rounding
    x = rng.uniform(0, 255 if name == "yolox" else 1, size=dims).astype(np.float32)
    return model, {image.name: x, "cam_class": np.array([3])}


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        scale = float(np.max(np.abs(value), initial=0)) or 1.0
        # float32 sums in another order
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=5e-5 * scale, err_msg=f"output {name}"
        )


@pytest.mark.parametrize("name", CASES)
def test_openvino(name: str, rng: np.random.Generator) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    model, feed = _case(name, rng)
    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(model.SerializeToString()),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    results = compiled(feed)
    expected = run(model, feed)
    _same({name: results[compiled.output(name)] for name in expected}, expected)


@pytest.mark.parametrize(("name", "profile"), [
    *((name, None) for name in CASES),
    *((name, "web") for name in (*MODELS, *FOR_BROWSERS)),
])  # fmt: skip
def test_onnxruntime_web(
    name: str, profile: str | None, rng: np.random.Generator, tmp_path: Path
) -> None:
    folder = os.environ.get("NODE_FOLDER", "")
    node = shutil.which("node")
    if node is None or not (Path(folder) / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("no node, or NODE_FOLDER names no folder with onnxruntime-web installed")
    model, feed = _case(name, rng, profile)
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
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    arrays = {key: np.reshape(t["data"], t["dims"]) for key, t in found.items()}
    _same(arrays, run(model, feed))


@pytest.mark.parametrize("name", ["demo", "early"])
def test_the_reference_evaluator(name: str, rng: np.random.Generator) -> None:
    model, feed = _case(name, rng)
    expected = run(model, feed)
    with np.errstate(over="ignore"):  # a step's slope
        found = ReferenceEvaluator(model).run(list(expected), feed)
    _same(dict(zip(expected, found, strict=True)), expected)
