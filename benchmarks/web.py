"""What an explanation costs in a page: its rate over the plain model's, in one page and one run.

    NODE_FOLDER=... python -m benchmarks.web [MODEL.onnx ...]

needs a Chromium, playwright, and onnxruntime-web 1.30.0 in the folder that NODE_FOLDER names. Both
rates hold the reading of a frame and its preparation; the explained one its map and paint as well.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from cam_core.demo.data import MODEL
from cam_core.web import address, serve

ROUNDS, WARM = 30, 5
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
FIRST_WITHIN = 3.0
"""Seconds up to the first explanation, the browser's cache being warm."""
LEAST = 0.9
"""Of the plain model's rate."""

WORKER = """
import { look, open } from "./engine.js";
import { factsOf } from "./facts.js";
import { decode } from "./photo.js";
import { prepare } from "./prepare.js";
const fetched = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
onmessage = async ({ data: { file, photo, rounds, warm, threads } }) => {
  const ort = await import("./runtime/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("./runtime/", location.href).href;
  ort.env.wasm.numThreads = threads;
  const bytes = await fetched(file);
  const facts = factsOf(bytes, file);
  const engine = await open(ort, facts, bytes, "wasm");
  const plain = await ort.InferenceSession.create(await fetched("plain.onnx"));
  const size = { resizeWidth: 640, resizeHeight: 480 }; // as the page asks it of a camera
  const bitmap = await createImageBitmap(await (await fetch(photo)).blob(), size);
  const frame = async () => decode(await createImageBitmap(bitmap), photo);
  const times = [];
  for (let i = -warm; i < rounds; i++) {
    const a = performance.now();
    const { x, dims } = prepare(await frame(), facts);
    await plain.run({ [facts.input.name]: new ort.Tensor(facts.input.type, x, dims) });
    const b = performance.now();
    await look(engine, await frame(), { class: -1 }, {
      view: "heat", weight: 0.5, live: true });
    const c = performance.now();
    const two = new ort.Tensor(facts.input.type, x, dims);
    await plain.run({ [facts.input.name]: two });
    const d = performance.now();
    const more = facts.given.includes("class")
      ? { cam_class: new ort.Tensor("int64", BigInt64Array.of(-1n), [1]) } : {};
    const three = { [facts.input.name]: new ort.Tensor(facts.input.type, x, dims), ...more };
    await engine.session.run(three);
    const e = performance.now();
    if (i >= 0) times.push([b - a, c - b, d - c, e - d]);
  }
  postMessage(times);
};
"""
RUN = """(asked) => new Promise((resolve, reject) => {
  const worker = new Worker("bench.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(asked);
})"""


def measured(model: Path, threads: int) -> dict[str, float]:
    """The ratios of one model, and the seconds up to its first explanation."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        site, file = written(Path(folder), model)
        with serve(site, 0) as server, sync_playwright() as tools:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            page = browser.new_page()
            first = [explained(page, address(server)) for _ in range(4)]
            asked = {"file": file, "photo": "samples/0-scene-1.png", "threads": threads}
            times = page.evaluate(RUN, asked | {"rounds": ROUNDS, "warm": WARM})
            browser.close()
            server.shutdown()
    return {"first": statistics.median(first[1:]), **ratios(times)}


def written(folder: Path, model: Path) -> tuple[Path, str]:
    """The site, with the plain model and the measuring worker beside it."""
    command = [sys.executable, "-m", "cam_core", "web", str(model), "-o", str(folder)]
    subprocess.run([*command, "--runtime", os.environ["NODE_FOLDER"]], check=True)
    (folder / "plain.onnx").write_bytes(model.read_bytes())
    (folder / "bench.js").write_text(WORKER)
    return folder, f"models/0-{model.name}"


def explained(page: Any, base: str) -> float:
    """Seconds from the beginning of a visit to its first explanation."""
    page.goto(base)
    page.wait_for_selector("html[data-settled]", state="attached", timeout=120_000)
    (mark,) = page.evaluate("performance.getEntriesByName('explained').map((one) => one.startTime)")
    return float(mark) / 1000


def ratios(times: list[list[float]]) -> dict[str, float]:
    """Of the rates: explained over plain, with all that a frame needs, and of the model alone."""
    return {
        "frame": statistics.median(plain / explained for plain, explained, _, _ in times),
        "model": statistics.median(plain / explained for _, _, plain, explained in times),
        "milliseconds": statistics.median(one[1] for one in times),
    }


def chromium() -> str:
    """Where the browser is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        sys.exit("there is no Chromium here")
    return found


def main() -> None:
    """A line a model."""
    models = [Path(name) for name in sys.argv[1:]] or [Path(str(MODEL))]
    print(f"targets: rate with explanation {LEAST} of the plain one, first within {FIRST_WITHIN} s")
    for model in models:
        for threads in (1, 2):
            found = measured(model, threads)
            print(
                f"{model.name:<28} {threads} threads  frame {found['frame']:.3f}  "
                f"model {found['model']:.3f}  {found['milliseconds']:.1f} ms a frame  "
                f"first {found['first']:.2f} s"
            )


if __name__ == "__main__":
    main()
