"""Peak resident memory, plain and instrumented, each in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx

from backends.onnx import instrument

from .blocks import Spread
from .models import Model, file
from .row import Row, Setting

ROOT = Path(__file__).resolve().parents[2]
TIMES = 9
"""Processes for each figure, of which the highest counts: while a session opens, the peak of one
file differs by up to 40 % between processes, as prepacked weights come and others go."""


def memory(model: Model, setting: Setting) -> Iterator[Row]:
    """The peak, in all and beyond what the process had before it opened the model."""
    path = file(model, setting.folder)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "instrumented.onnx"
        onnx.save(instrument(path), made)
        plain, ours = _peaks(path, setting), _peaks(made, setting)
    for k, what in enumerate(("peak", "peak beyond the start")):
        before, after = ([found[k] for found in both] for both in (plain, ours))
        yield Row("memory", model.key, f"{what}, plain", _highest(before), "MB")
        yield Row("memory", model.key, f"{what}, ours", _highest(after), "MB")
        ratio = max(after) / max(before)
        others = sorted((min(after) / min(before), ratio))
        yield Row("memory", model.key, what, Spread(ratio, *others))


def _highest(values: Sequence[float]) -> Spread:
    return Spread(max(values), min(values), max(values))


def _peaks(path: Path, setting: Setting) -> list[tuple[float, float]]:
    """(peak, peak beyond the start) in MB, TIMES times."""
    found = []
    for i in range(TIMES):
        setting.say(f"process {i + 1} of {TIMES}")
        command = [sys.executable, "-m", "benchmarks.speed.peak", str(path)]
        said = subprocess.run(
            [*command, str(setting.threads)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        before, after = json.loads(said.stdout)
        found.append((after, after - before))
    return found
