"""Peak resident memory, plain and instrumented, each in processes of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx

from backends.onnx import instrument

from .speed_blocks import Spread, spread
from .speed_models import Model, file
from .speed_row import Row, Setting

ROOT = Path(__file__).resolve().parents[1]
TIMES = 3
"""Processes for each figure; their median counts."""


def memory(model: Model, setting: Setting) -> Iterator[Row]:
    """The peak, in all and beyond what the process had before it opened the model."""
    path = file(model, setting.folder)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "instrumented.onnx"
        onnx.save(instrument(path), made)
        plain, ours = _peaks(path, setting), _peaks(made, setting)
    for k, what in enumerate(("peak", "peak beyond the start")):
        before, after = ([found[k] for found in both] for both in (plain, ours))
        yield Row("memory", model.key, f"{what}, plain", spread(before), "MB")
        yield Row("memory", model.key, f"{what}, ours", spread(after), "MB")
        unit = statistics.median(before)
        found = spread(after)
        scaled = Spread(found.median / unit, found.low / unit, found.high / unit)
        yield Row("memory", model.key, what, scaled)


def _peaks(path: Path, setting: Setting) -> list[tuple[float, float]]:
    """(peak, peak beyond the start) in MB, TIMES times."""
    found = []
    for i in range(TIMES):
        setting.say(f"process {i + 1} of {TIMES}")
        command = [sys.executable, "-m", "benchmarks.speed_peak", str(path)]
        said = subprocess.run(
            [*command, str(setting.threads)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        before, after = json.loads(said.stdout)
        found.append((after, after - before))
    return found
