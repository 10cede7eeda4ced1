"""Grad-CAM of exported models against torch.autograd, over torchvision and timm.

    python -m benchmarks.zoo                    every model that is not measured yet
    python -m benchmarks.zoo --only resnet18    some models, anew
    python -m benchmarks.zoo --table            writes docs/zoo.md from the rows

Each model runs in a process of its own, one at a time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXPORTERS = ("dynamo", "torchscript")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="torchvision, or timm/NAME")
    parser.add_argument("--exporter", choices=EXPORTERS, action="append")
    parser.add_argument("--rows", type=Path, default=ROOT / "benchmarks" / "zoo" / "rows.jsonl")
    parser.add_argument("--limit", type=int, default=120, help="seconds for one model")
    parser.add_argument("--keep", type=Path, help="folder for the files of models that fail")
    parser.add_argument("--table", action="store_true", help="write docs/zoo.md")
    parser.add_argument("--list", action="store_true", help="print the models' names")
    asked = parser.parse_args()
    if asked.table:
        from .table import write

        write(read(asked.rows), ROOT / "docs" / "zoo.md")
        return
    from .models import names

    if asked.list:
        print("\n".join(names()))
        return
    rows = {} if asked.only else read(asked.rows)
    done = {key for key, row in rows.items() if row["status"] != "not measured"}
    for name in asked.only or names():
        for exporter in asked.exporter or EXPORTERS:
            if (name, exporter) not in done:
                row = measure(name, exporter, asked.limit, asked.keep)
                with asked.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(f"{name} {exporter}: {row['status']} {row['reason']}", flush=True)


def read(rows: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows by model and exporter; the last of each counts."""
    if not rows.exists():
        return {}
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    return {(row["name"], row["exporter"]): row for row in found}


def measure(name: str, exporter: str, limit: int, keep: Path | None) -> dict[str, Any]:
    """One row, made in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.zoo.row", name, exporter, folder]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
            )
            row = _last_row(done, name, exporter)
        except subprocess.TimeoutExpired:
            row = _failure(name, exporter, f"took more than {limit} s")
        if keep is not None and row["status"] in ("wrong", "refused"):
            for file in Path(folder).glob("*.onnx*"):
                (keep / file.name).write_bytes(file.read_bytes())
    return row


def _last_row(done: subprocess.CompletedProcess[str], name: str, exporter: str) -> dict[str, Any]:
    lines = done.stdout.splitlines()
    try:
        row: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        said = done.stderr.strip().splitlines()
        return _failure(name, exporter, said[-1] if said else f"exit code {done.returncode}")
    return row


def _failure(name: str, exporter: str, reason: str) -> dict[str, Any]:
    return {"name": name, "exporter": exporter, "status": "not measured", "reason": reason}


if __name__ == "__main__":
    main()
