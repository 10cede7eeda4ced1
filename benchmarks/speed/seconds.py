"""Seconds that are paid once: instrumenting a model, importing the package, asking for help."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from backends.onnx import instrument

from .blocks import Spread, spread
from .models import Model, chain, file
from .row import Row, Setting

ROOT = Path(__file__).resolve().parents[2]
NODES = 10_000
BEST_OF = 3
PROCESSES = 9
IMPORT = "import time; t = time.perf_counter(); import cam_core; print(time.perf_counter() - t)"


def instrumenting(model: Model, setting: Setting) -> Iterator[Row]:
    """From path to instrumented model, without verify, the best of three."""
    path = file(model, setting.folder)
    yield _row(model.key, "instrument", _best(lambda: instrument(path), setting))


def once(setting: Setting) -> Iterator[Row]:
    """What belongs to no model: the long chain, the import and the help page."""
    long = chain(NODES)
    last = _best(lambda: instrument(long), setting)
    yield _row("chain", "instrument", last)
    first = _best(lambda: instrument(long, layer="t0"), setting)
    yield _row("chain", "instrument at the first layer", first)
    imports = [float(_said([sys.executable, "-c", IMPORT])) for _ in range(PROCESSES)]
    yield Row("seconds", "package", "import cam_core", spread(imports), "s")
    helps = []
    for _ in range(PROCESSES):
        start = time.perf_counter()
        _said([sys.executable, "-m", "cam_core", "--help"])
        helps.append(time.perf_counter() - start)
    yield Row("seconds", "package", "gradcam --help", spread(helps), "s")


def _row(model: str, what: str, seconds: list[float]) -> Row:
    best = min(seconds)
    return Row("seconds", model, what, Spread(best, best, max(seconds)), "s")


def _best(run: Callable[[], object], setting: Setting) -> list[float]:
    found = []
    for i in range(BEST_OF):
        setting.say(f"time {i + 1} of {BEST_OF}")
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def _said(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
