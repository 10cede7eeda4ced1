"""Runs cases of the robustness corpus one after the other: a name a line in, an outcome a line out.

A process of its own: a case that kills it is known by its missing answer. Its memory is limited to
what it held after a first case, and 2 GiB more, its work to 40 million calls a case.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.project.corpus import CASES

GIB = 2**30
MOST = 40_000_000
"""Calls that a case may take; the longest chain takes a quarter of them."""


def drive(folder: Path, image: str) -> dict[str, Callable[[], None]]:
    """What a user would do, one by one: each may fail on its own."""
    home = folder / "home" if (folder / "home").is_dir() else folder
    model = home / "model.onnx"

    def explain() -> None:
        from cam_core.discover import open_backend
        from cam_core.explain import explain_all
        from cam_core.image import PRESETS, preprocess, read

        pixels = read(folder / image) if image else np.full((30, 40, 3), 99, np.uint8)
        backend = open_backend(model)
        backend.layers()
        infos = backend.inputs()
        x: Any = preprocess(pixels, PRESETS["unit"], infos[0]).x if len(infos) == 1 else {}
        found = explain_all(backend, x, [None])[0]
        if image:
            assert np.isfinite(found.map).all()

    def instrument() -> None:
        from backends.onnx import instrument
        from backends.onnx.instrumenting.save import save
        from backends.onnx.reading.load import load

        source = load(model)
        save(instrument(source, outputs=("map", "score", "heatmap")), home / "out.onnx", source)

    def coverage() -> None:
        from backends.onnx.differentiating.coverage import coverage

        coverage(model)

    def strip() -> None:
        from backends.onnx import strip
        from backends.onnx.instrumenting.save import save
        from backends.onnx.reading.load import load

        source = load(model)
        save(strip(source), home / "stripped.onnx", source)

    every = {"explain": explain, "instrument": instrument, "coverage": coverage, "strip": strip}
    return {"explain": explain} if image else every


def commands(folder: Path, image: str) -> dict[str, Callable[[], None]]:
    """The same through the command line."""
    from click.testing import CliRunner
    from PIL import Image

    from cam_core.cli.group import gradcam
    from cam_core.errors import CamError

    home = folder / "home" if (folder / "home").is_dir() else folder
    model, photo = str(home / "model.onnx"), folder / (image or "photo.png")
    if not image:
        Image.new("RGB", (40, 30), "grey").save(photo)

    def run(*args: str) -> None:
        result = CliRunner().invoke(gradcam, args)
        lines = result.stderr.splitlines()
        told = "Traceback" not in result.output and "internal error" not in result.stderr
        assert told, result.output
        assert result.exit_code in (0, 1, 2), (result.exit_code, result.output)
        if result.exit_code == 2:
            assert len(lines) == 1, result.stderr
            assert lines[0].startswith("Error: "), lines
            assert args[0] == "check" or not result.stdout, result.stdout
            raise CamError(lines[0])

    out = str(home / "out.onnx")
    calls = {
        "explain": lambda: run("explain", model, str(photo), "-o", str(folder / "out")),
        "instrument": lambda: run("instrument", model, "-o", out),
        "check": lambda: run("check", model),
        "layers": lambda: run("layers", model),
    }
    return {"explain": calls["explain"]} if image else calls


@contextlib.contextmanager
def captured() -> Iterator[Any]:
    """What anyone writes to the real stdout and stderr, native libraries included."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: (file.seek(0), file.read().decode(errors="replace"))[1]
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            for number, old in enumerate(kept, 1):
                os.dup2(old, number)
                os.close(old)


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """What calls more than MOST functions ends there, as a defect."""
    count = 0

    def called(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"
        if count > MOST:
            raise RuntimeError(f"{MOST} calls of functions: does it end?")

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


def listing(folder: Path) -> list[str]:
    return sorted(
        os.path.relpath(f"{root}/{f}", folder) for root, _, fs in os.walk(folder) for f in fs
    )


def attempt(action: Callable[[], None]) -> dict[str, str]:
    """How it ended: works, refused with its line, or a defect with its traceback."""
    from cam_core.errors import CamError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except CamError as error:
        return {"end": "refused", "line": str(error)}
    except BaseException:
        return {"end": "defect", "line": traceback.format_exc()}
    return {"end": "works", "line": ""}


def memory(key: str) -> int:
    """VmSize or VmHWM in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(key)


def outcome(case: Any, name: str, kind: str) -> dict[str, Any]:
    """Lay the case out, do everything with it, and see what it cost and what was left."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case.into(folder, name)
        actions = (commands if kind == "cli" else drive)(folder, case.image)
        before = set(listing(folder))
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        held = memory("VmRSS")
        with captured() as said, bounded():
            steps = {action: attempt(call) for action, call in actions.items()}
            said_then = said()
        return {
            "name": name,
            "steps": steps,
            "said": said_then,
            "left": sorted(set(listing(folder)) - before),
            "mib": (memory("VmHWM") - held) // 2**20,
        }


def main() -> None:
    for kind in ("api", "cli"):
        outcome(CASES["cnn: whole"], "cnn: whole", kind)
        outcome(CASES["image: png"], "image: png", kind)
    most = memory("VmSize") + 2 * GIB
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    answer("ready")
    for line in sys.stdin:
        kind, name = json.loads(line)
        answer(outcome(CASES[name], name, kind))


def answer(content: Any) -> None:
    sys.stdout.write(f"{json.dumps(content)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
