"""Files for browsers in a browser, on WebGPU: the numbers are Python's, and nothing leaves it.

Needs a Chromium, playwright, and `npm install onnxruntime-web` in the folder of NODE_FOLDER.
"""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx import instrument
from backends.onnx.writing.webgpu import RUNTIME, runs
from cam_core.demo import MODEL, load_scenes
from tests.detectors import scene, two_scales
from tests.instrumenting.nets import images, net
from tests.sessions import run

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PACKAGE = Path(os.environ.get("NODE_FOLDER", "")) / "node_modules" / "onnxruntime-web"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
    pytest.mark.skipif(
        not os.environ.get("NODE_FOLDER") or not PACKAGE.is_dir(),
        reason="NODE_FOLDER names no folder with onnxruntime-web installed",
    ),
]
FLAGS = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
const ort = await import("/dist/ort.webgpu.min.mjs");
ort.env.wasm.wasmPaths = "/dist/";
ort.env.wasm.numThreads = 1;
const made = async (name, strict) => ort.InferenceSession.create("/" + name, {
  executionProviders: ["webgpu"], logSeverityLevel: 4,
  extra: strict ? { session: { disable_cpu_ep_fallback: "1" } } : {},
});
window.opens = async (name) => {
  try { await (await made(name, true)).release(); return ""; } catch (e) { return String(e); }
};
window.runs = async (name, strict, feeds) => {
  const given = {};
  for (const [key, t] of Object.entries(feeds)) {
    const whole = t.type === "int64";
    const data = whole ? BigInt64Array.from(t.data, BigInt) : Float32Array.from(t.data);
    given[key] = new ort.Tensor(t.type, data, t.dims);
  }
  const session = await made(name, strict);
  const result = {};
  for (const [key, t] of Object.entries(await session.run(given)))
    result[key] = { dims: t.dims, data: Array.from(t.data, Number) };
  await session.release();
  return result;
};
window.version = ort.env.versions.common;
window.adapter = (await navigator.gpu?.requestAdapter()) ? 1 : 2;
</script>"""
ASKED = ("map", "signed", "noise_floor", "score", "class_used", "logits")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word, modules as what they are."""

    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    (made / "dist").symlink_to((PACKAGE / "dist").resolve())
    (made / "page.html").write_text(PAGE)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where the folder is served."""
    answers = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page()
        opened.set_default_timeout(120_000)
        opened.goto(f"{address}/page.html")
        opened.wait_for_function("window.adapter")
        if opened.evaluate("window.adapter") != 1:
            pytest.skip("this Chromium has no WebGPU adapter")
        yield opened
        browser.close()


def sent(feed: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"type": str(x.dtype), "dims": list(x.shape), "data": x.ravel().tolist()}
        for name, x in feed.items()
    }


def kept(folder: Path, model: onnx.ModelProto) -> str:
    """Under a name of its own, as pages keep what they once fetched."""
    name = f"{len(list(folder.iterdir()))}.onnx"
    (folder / name).write_bytes(model.SerializeToString())
    return name


def in_page(page: Any, folder: Path, model: onnx.ModelProto, feed: Any, *, strict: bool) -> Any:
    file = kept(folder, model)
    found = page.evaluate("a => window.runs(...a)", [file, strict, sent(feed)])
    return {name: np.reshape(t["data"], t["dims"]) for name, t in found.items()}


def demo() -> Any:
    return load_scenes()[0].pixels()[::2, ::2].transpose(2, 0, 1)[None].astype(np.float32) / 255


def cotangent(model: onnx.ModelProto) -> Any:
    """1 at one number of the score."""
    kind = next(i for i in model.graph.input if i.name == "cam_cotangent").type.tensor_type
    found = np.zeros([d.dim_value for d in kind.shape.dim], np.float32)
    found.flat[3] = 1
    return found


MODELS: dict[str, tuple[Any, str, Any]] = {
    "the demo": (lambda: Path(str(MODEL)), "image", demo),
    "a class of two convolutions": (net, "x", lambda: images(1)),
    "a detector of two scales": (lambda: two_scales("1"), "x", scene),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_are_pythons(name: str, page: Any, folder: Path) -> None:
    source, given, picture = MODELS[name]
    x = picture()
    file = instrument(source(), profile="web", static=list(x.shape), outputs=ASKED)
    feed = {given: x, "cam_class": np.array([-1])}
    found, expected = in_page(page, folder, file, feed, strict=False), run(file, feed)
    assert set(found) == set(expected)
    for key, value in expected.items():
        scale = float(np.max(np.abs(value), initial=0)) or 1.0
        # float32 sums in another order, and a shader's own exp and log
        np.testing.assert_allclose(found[key], value, atol=1e-4 * scale, rtol=0, err_msg=key)
    assert found["cam_map"].max() > 0


@pytest.mark.parametrize("name", MODELS)
def test_nothing_leaves_webgpu(name: str, page: Any, folder: Path) -> None:
    """The runtime refuses a session of which a node would run on the CPU."""
    source, given, picture = MODELS[name]
    x = picture()
    asked: dict[str, Any] = {"static": list(x.shape), "target": "cotangent"}
    file = instrument(source(), profile="web", **asked, outputs=["map", "signed", "noise_floor"])
    feed = {given: x, "cam_cotangent": cotangent(file)}
    found, expected = in_page(page, folder, file, feed, strict=True), run(file, feed)
    scale = np.abs(expected["cam_signed"]).max()
    np.testing.assert_allclose(found["cam_signed"], expected["cam_signed"], atol=1e-4 * scale)


def test_without_the_profile_something_does(page: Any, folder: Path) -> None:
    """Else the test above could not fail: the order of the best classes is int64."""
    for profile, leaves in ((None, True), ("web", False)):
        file = instrument(net(), static=[1, 3, 8, 12], target="top:2", profile=profile)
        refused = page.evaluate("name => window.opens(name)", kept(folder, file))
        assert ("fallback" in refused) is leaves


FLOAT = gs.Variable("x", np.dtype(np.float32), (1, 4, 6, 6))
BODIES = {
    "Relu": "y = Relu(x)",
    "Max": "y = Max(x, x)",
    "Softplus": "y = Softplus(x)",
    "HardSigmoid": "y = HardSigmoid(x)",
    "GlobalAveragePool": "y = GlobalAveragePool(x)",
    "MaxPool": "y = MaxPool<kernel_shape = [2, 2]>(x)",
    "AveragePool": "y = AveragePool<kernel_shape = [2, 2]>(x)",
    "ReduceL1": "y = ReduceL1<axes = [1]>(x)",
    "Transpose": "y = Transpose(x)",
    "Sign": "y = Sign(x)",
    "Round": "y = Round(x)",
    "LRN": "y = LRN<size = 3>(x)",
    "LogSoftmax": "y = LogSoftmax(x)",
    "Sum": "y = Sum(x, x)",
    "Elu": "y = Elu(x)",
    "SpaceToDepth": "y = SpaceToDepth<blocksize = 2>(x)",
}


@pytest.mark.parametrize("opset", [13, 17, 21, 22])
def test_the_table_says_what_the_runtime_says(opset: int, page: Any, folder: Path) -> None:
    assert RUNTIME.endswith(page.evaluate("window.version"))
    wrong = {}
    for name, body in BODIES.items():
        if name == "ReduceL1" and opset > 17:
            continue  # its axes are an input by then
        model = onnx.parser.parse_model(
            f'<ir_version: 8, opset_import: ["" : {opset}]> '
            f"g (float[1, 4, 6, 6] x) => (float y) {{ {body} }}"
        )
        model.graph.output[0].type.tensor_type.ClearField("shape")
        there = page.evaluate("name => window.opens(name)", kept(folder, model)) == ""
        if runs(name, [FLOAT], opset) is not there:
            wrong[name] = there
    assert wrong == {}
