"""What came of ONNX's node cases: the tests compare with it, docs/operators.md counts it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import onnx

FILE = Path(__file__).parent / "node_cases.tsv"


class Entry(NamedTuple):
    """A line of the record; `node_cases_check.py` explains the verdicts."""

    name: str
    op: str
    opset: int
    verdict: str
    reason: str


def versions() -> str:
    """What the record depends on besides the rules."""
    import onnxruntime as ort

    return f"onnx {onnx.__version__}, onnxruntime {ort.__version__}"


def recorded() -> tuple[str, dict[str, Entry]]:
    """The versions that the record was made with; its lines by case."""
    with FILE.open(encoding="utf-8", newline="") as file:
        (made_with,), *rows = csv.reader(file, "excel-tab")
    entries = (Entry(name, op, int(opset), *found) for name, op, opset, *found in rows)
    return made_with, {entry.name: entry for entry in entries}


def record(entries: Iterable[Entry]) -> None:
    """Writes the record anew."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, "excel-tab", lineterminator="\n")
        rows.writerow([versions()])
        rows.writerows(sorted(entries))
