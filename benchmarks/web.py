"""What an explanation costs in a page: its rate over the plain model's, in one page and one run.

    NODE_FOLDER=... python -m benchmarks.web [MODEL.onnx ...]

needs a Chromium, playwright, and onnxruntime-web 1.30.0 in the folder that NODE_FOLDER names.

model   the instrumented file over the plain one, the runtime alone, with the outputs that a live
        frame asks for.
frame   all that the worker does for a frame of 640x480: both read it, prepare it and rank the
        answers, and the explained one makes map, diagnosis and the heat that is laid over it.
page    pictures a second of the real page with Chromium's camera (made up by the browser itself,
        30 a second as most cameras give; no picture is looked at twice), filming with its
        explanation, over the same loop in the same page with the plain model: it draws the frame on
        the same canvas and sets the best answer's name. By turns of two seconds; the median of
        their ratios.
first   seconds from the beginning of a visit to the first explanation, the browser's cache warm.

Chromium runs without a GPU here, so that blending and page take from the same processor.
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

from benchmarks.web_scripts import COUNTED, PLAIN_PAGE, PLAIN_WORKER, RUN, WORKER
from cam_core.demo.data import MODEL
from cam_core.web import address, serve

ROUNDS, WARM = 30, 5
TURNS, SECONDS = 8, 2.0
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream"),
)
FIRST_WITHIN = 3.0
"""Seconds up to the first explanation, the browser's cache being warm."""
LEAST = 0.9
"""Of the plain model's rate."""


def measured(model: Path, threads: int) -> dict[str, float]:
    """The ratios of one model, and the seconds up to its first explanation."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        site, file = written(Path(folder), model, threads)
        with serve(site, 0) as server, sync_playwright() as tools:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = tools.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            page = browser.new_page()
            page.add_init_script(COUNTED)
            first = [explained(page, address(server)) for _ in range(4)]
            asked = {"file": file, "photo": "samples/0-scene-1.png", "threads": threads}
            times = page.evaluate(RUN, asked | {"rounds": ROUNDS, "warm": WARM})
            rates = [(plainly(page, asked), live(page)) for _ in range(TURNS)]
            browser.close()
            server.shutdown()
    return {"first": statistics.median(first[1:]), **ratios(times), **of_page(rates)}


def written(folder: Path, model: Path, threads: int = 1) -> tuple[Path, str]:
    """The site, with the plain model and what measures beside it."""
    command = [sys.executable, "-m", "cam_core", "web", str(model), "-o", str(folder)]
    subprocess.run([*command, "--runtime", os.environ["NODE_FOLDER"]], check=True)
    (folder / "plain.onnx").write_bytes(model.read_bytes())
    (folder / "bench.js").write_text(WORKER)
    (folder / "bench_plain.js").write_text(PLAIN_WORKER)
    (folder / "bench_page.js").write_text(PLAIN_PAGE)
    worker = (folder / "worker.js").read_text()
    usual = "navigator.hardwareConcurrency || 1"
    assert usual in worker
    (folder / "worker.js").write_text(worker.replace(usual, str(threads)))
    return folder, f"models/0-{model.name}"


def live(page: Any) -> float:
    """Pictures a second that the page explains of its camera."""
    page.click("#camera")
    found = rate(page)
    page.click("#camera")
    page.wait_for_timeout(500)
    return found


def plainly(page: Any, asked: dict[str, Any]) -> float:
    """Pictures a second of the same loop with the plain model."""
    page.evaluate(
        "(asked) => void import('./bench_page.js').then((one) => one.filmed(asked))", asked
    )
    found = rate(page)
    page.evaluate("stopPlain()")
    page.wait_for_timeout(500)
    return found


def rate(page: Any) -> float:
    """Pictures a second, once they come steadily."""
    page.wait_for_function("(before) => looks > before + 5", arg=page.evaluate("looks"))
    wait = """(time) => new Promise((resolve) => {
      const [since, before] = [performance.now(), looks];
      setTimeout(() => resolve((1000 * (looks - before)) / (performance.now() - since)), time);
    })"""
    return float(page.evaluate(wait, 1000 * SECONDS))


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


def of_page(rates: list[tuple[float, float]]) -> dict[str, float]:
    """Of the live rates."""
    return {
        "page": statistics.median(explained / plain for plain, explained in rates),
        "live": statistics.median(explained for _, explained in rates),
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
                f"{model.name:<28} {threads} threads  page {found['page']:.3f}  "
                f"frame {found['frame']:.3f}  model {found['model']:.3f}  "
                f"{found['live']:.1f} pictures a second, {found['milliseconds']:.1f} ms a frame  "
                f"first {found['first']:.2f} s"
            )


if __name__ == "__main__":
    main()
