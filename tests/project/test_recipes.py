"""The programs of docs/recipes.md run as they stand there, each against onnxruntime's own numbers.

JavaScript needs node and `npm install onnxruntime-web` in the folder that NODE_FOLDER names, its
page a Chromium besides; C++ needs g++ and the folder with onnxruntime's headers in ORT_INCLUDE.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paths import ROOT

ort = pytest.importorskip("onnxruntime", reason="no runtime is installed")

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WEB = Path(os.environ.get("NODE_FOLDER", "")) / "node_modules" / "onnxruntime-web"
HEADERS = Path(os.environ.get("ORT_INCLUDE", ""))
LIBRARY = next(Path(ort.__file__).parent.glob("capi/libonnxruntime.so.*"), None)
Array = np.ndarray

NODE = """
import { createRequire } from "node:module";
import fs from "node:fs";
import { pathToFileURL } from "node:url";
import { explain, paint } from "./cam.mjs";
const found = createRequire(process.argv[2] + "/").resolve("onnxruntime-web");
const ort = (await import(pathToFileURL(found))).default;
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(fs.readFileSync("model.cam.onnx"), {
  executionProviders: ["wasm"], logSeverityLevel: 3,
});
const bytes = fs.readFileSync("photo.f32");
const x = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const all = [];
for (const index of [-1, 4]) {
  const found = await explain(ort, session, x, [1, 3, 128, 128], index);
  all.push({ map: [...found.map], scores: [...found.scores], size: [found.height, found.width],
    rgba: [...paint(found.map)] });
}
console.log(JSON.stringify(all));
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's Python leaves: the file, the photo, its bytes and the painted one."""
    found = tmp_path_factory.mktemp("recipes")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.chdir(found)
        names: dict[str, Any] = {}
        for code in blocks("python"):
            exec(compile(code, "<page>", "exec"), names)
    return found


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[int, tuple[Array, Array]]:
    """Scores and map by class, of the source with its own A and G."""
    from cam_core import explain, open_backend
    from cam_core.demo import MODEL

    x = np.fromfile(folder / "photo.f32", np.float32).reshape(1, 3, 128, 128)
    backend = open_backend(MODEL)
    scores = backend.forward(x)["logits"][0]
    return {c: (scores, explain(backend, x, None if c < 0 else c).map[0]) for c in (-1, 4)}


def same(found: Any, wanted: Array) -> None:
    """float32 sums in another order, of the largest value."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-5 * float(np.abs(wanted).max()))


def test_the_photo_is_red_where_the_map_is_hot(folder: Path, expected: Any) -> None:
    from PIL import Image

    before = Image.open(folder / "photo.png").convert("RGB")
    before = before.resize((128, 128), Image.Resampling.BILINEAR)
    after = np.asarray(Image.open(folder / "painted.png"), float)
    cam = expected[-1][1]
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    hot = slice(row * 8 + 3, row * 8 + 5), slice(column * 8 + 3, column * 8 + 5)
    moved = after - np.asarray(before, float)
    assert after[hot][..., 0].mean() > 170  # seven tenths of it are red
    assert np.abs(moved)[hot].mean() > np.abs(moved).mean()


@pytest.mark.skipif(
    shutil.which("node") is None or not WEB.is_dir(),
    reason="no node, or NODE_FOLDER names no folder with onnxruntime-web installed",
)
def test_javascript_runs_in_node(folder: Path, expected: Any) -> None:
    (folder / "cam.mjs").write_text(blocks("js")[0])
    (folder / "run.mjs").write_text(NODE)
    call = ["node", "run.mjs", str(WEB.parents[1])]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for one, index in zip(json.loads(done.stdout.splitlines()[-1]), (-1, 4), strict=True):
        scores, cam = expected[index]
        same(one["scores"], scores)
        assert one["size"] == list(cam.shape)
        same(np.reshape(one["map"], cam.shape), cam)
        rgba = np.reshape(one["rgba"], (*cam.shape, 4))
        assert (rgba[..., :3] == [255, 0, 0]).all()
        np.testing.assert_allclose(rgba[..., 3], 180 * cam / cam.max(), atol=1)  # a byte


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The folder with onnxruntime-web in it, at an address of this machine."""
    for file in (WEB / "dist").glob("ort*"):
        if file.suffix in (".js", ".mjs", ".wasm") and not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    (folder / "cam.mjs").write_text(blocks("js")[0])
    canvas = '<canvas width="256" height="256"></canvas>'
    script = '<script src="ort.wasm.min.js"></script>'
    (folder / "page.html").write_text(f"<!DOCTYPE html>{canvas}{script}{blocks('html')[0]}")
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing, and what a module is."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.mark.skipif(
    CHROMIUM is None or not WEB.is_dir(),
    reason="no Chromium, or NODE_FOLDER names no folder with onnxruntime-web installed",
)
def test_javascript_paints_in_a_page(served: str, expected: Any) -> None:
    tools = pytest.importorskip("playwright.sync_api")
    with tools.sync_playwright() as opened:
        browser = opened.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, heard = browser.new_page(), []
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto(f"{served}/page.html")
        with contextlib.suppress(tools.TimeoutError):
            page.wait_for_function("document.title === 'painted'", timeout=60_000)
        assert heard == []
        rows = page.evaluate(
            "[...document.querySelector('canvas').getContext('2d')"
            ".getImageData(0, 0, 256, 256).data]"
        )
        browser.close()
    pixels, cam = np.reshape(rows, (256, 256, 4)).astype(float), expected[-1][1]
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    hot = pixels[row * 16 + 7 : row * 16 + 9, column * 16 + 7 : column * 16 + 9]
    assert hot[..., 0].mean() > 170
    assert (pixels[..., 3] == 255).all()


@pytest.mark.skipif(
    shutil.which("g++") is None
    or LIBRARY is None
    or not (HEADERS / "onnxruntime_cxx_api.h").is_file(),
    reason="no g++, or ORT_INCLUDE names no folder with onnxruntime's headers",
)
def test_cpp_is_compiled_and_run(folder: Path, expected: Any) -> None:
    assert LIBRARY is not None
    (folder / "explain.cpp").write_text(blocks("cpp")[0])
    flags = ["-std=c++17", "-Wall", "-Wextra", "-isystem", str(HEADERS), "explain.cpp"]
    library = folder / "libonnxruntime.so.1"  # as it calls itself
    library.symlink_to(LIBRARY)
    flags += [str(library), "-Wl,-rpath,$ORIGIN", "-o", "explain"]
    made = subprocess.run(["g++", *flags], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert not made.stderr
    for index, (scores, cam) in expected.items():
        call = ["./explain", "model.cam.onnx", "photo.f32", str(index), "map.pgm"]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == scores.argmax()
        head, _, grey = (folder / "map.pgm").read_bytes().partition(b"255\n")
        assert head == f"P5 {cam.shape[1]} {cam.shape[0]} ".encode()
        found = np.frombuffer(grey, np.uint8).reshape(cam.shape).astype(float)
        np.testing.assert_allclose(found, 255 * cam / cam.max(), atol=1)  # a byte
