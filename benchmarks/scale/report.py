"""The report of many rows that no model made: seconds and memory of each step."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.audit.measure import Column, columns_of
from cam_core.audit.plan import part_of
from cam_core.audit.rows import Parts, write_manifest

CLASSES = 100
CODE = """
import json, resource, sys, time
from cam_core.audit import open_table, record, summarise
begun = time.perf_counter()
table = open_table(sys.argv[1])
told = {"rows": len(table), "open s": time.perf_counter() - begun}
for name, step in (("summary", summarise), ("record", record)):
    begun = time.perf_counter()
    table = step(table)
    told[f"{name} s"] = time.perf_counter() - begun
told["MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(told))
"""


def reports(counts: list[int], *, reference: bool) -> list[dict[str, float]]:
    """Of each number of rows, in a process of its own."""
    return [measured(count, reference=reference) for count in counts]


def measured(count: int, *, reference: bool) -> dict[str, float]:
    """One of them; also what the rows take on the disk."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begun = time.perf_counter()
        write(folder, count, reference=reference)
        seconds = time.perf_counter() - begun
        files = list((folder / "rows").iterdir())
        size = sum(file.stat().st_size for file in files)
        call = [sys.executable, "-c", CODE, str(folder)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return {**found, "write s": seconds, "files": len(files), "bytes a row": size / count}


def write(folder: Path, count: int, *, reference: bool) -> None:
    """Rows as an audit writes them, with numbers drawn."""
    folder.mkdir(exist_ok=True)
    write_manifest(folder, {"bounds": 16 if reference else None})
    columns = columns_of(reference=reference)
    parts = Parts(folder, {name: c.kind for name, c in columns.items()}, sweeping=True)
    rng, part = np.random.default_rng(0), part_of(count)
    for start in range(0, count, part):
        rows = range(start, min(start + part, count))
        values = {name: drawn(rng, name, column, rows) for name, column in columns.items()}
        parts.append(
            [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        )


def drawn(rng: np.random.Generator, name: str, column: Column, rows: range) -> list[Any]:
    """A column of these rows."""
    n = len(rows)
    if name in ("photo", "path"):
        return [f"folder/{row % 1000:03d}/{row:09d}.jpg" for row in rows]
    if name == "index":
        return list(rows)
    if name == "bounds":
        return ['{"noise": 0.99, "unrelated": 0.1}' if row < 16 else None for row in rows]
    if name in ("label", "answer", "answer_b", "target"):
        return [f"class {c}" for c in rng.integers(CLASSES, size=n)]
    if column.kind == "text":
        return [None] * n
    if column.kind == "numbers":
        maps = rng.random((n, 49), np.float32)
        return list(maps / maps.sum(axis=1, keepdims=True))
    if column.kind == "whole":
        return [7 if name == "map_height" else 480] * n
    if column.kind == "yes":
        share = 0.01 if name.startswith("blank") else 0.8
        return (rng.random(n) < share).tolist()
    return rng.beta(5, 2, n).tolist()
