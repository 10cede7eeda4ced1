"""Every operator that torch tests itself with, exported, differentiated and held against autograd.

`python -m benchmarks.opinfo` measures and writes docs/opinfo.md; arguments name the operators to
try again. A sample passes, is refused by name, cannot be exported or run, or is WRONG.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.errors import ModelError, UnsupportedOpError
from converters.torch_settings import quiet

from .sample import (
    Exporter,
    Sampled,
    by_autograd,
    by_differences,
    by_rules,
    exported,
    operators,
    same,
    samples,
    session,
)
from .table import Row, write

STEP: dict[Exporter, int] = {"torchscript": 1, "dynamo": 9}
"""Of how many operators one is tried: dynamo takes seconds a sample."""
PAGE = Path(__file__).parents[2] / "docs" / "opinfo.md"


def line(error: BaseException) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"[:160]


def tried(name: str, number: int, module: Sampled, exporter: Exporter) -> Row:
    """One sample from torch to the comparison."""

    def row(status: str, why: str = "") -> Row:
        return Row(name, number, exporter, status, why)

    try:
        y, cot, expected = by_autograd(module)
        again = by_autograd(module)[0]
    except Exception as error:
        return row("not differentiable", line(error))
    if not np.array_equal(y, again, equal_nan=True):
        return row("not differentiable", "random")
    try:
        with quiet():
            model = exported(module, exporter)
    except Exception as error:
        return row("not exported", line(error))
    feed = {f"x{i}": x.numpy() for i, x in enumerate(module.inputs())}
    feed = {i.name: feed[i.name] for i in model.graph.input}
    try:
        plain = session(model).run(["y"], feed)[0]
    except Exception as error:
        return row("not run", line(error))
    if not same(plain, y):
        return row("exported wrong", f"{np.shape(plain)} for {np.shape(y)}")
    try:
        found = by_rules(model, feed, cot.reshape(np.shape(plain)))
    except (UnsupportedOpError, ModelError) as error:
        return row("refused", line(error))
    except Exception as error:
        return row("WRONG", "the twin fails: " + line(error))
    off, torn = [], []
    for i, g in enumerate(expected):
        mine = found.get(f"x{i}", np.zeros_like(g))
        if not same(mine, g):
            apart = f"x{i}: {np.linalg.norm(mine - g):.1e} of {np.linalg.norm(g):.1e}"
            (torn if by_differences(module, cot, i, mine) else off).append(apart)
    if off or torn:
        return row("WRONG" if off else "differences", ", ".join(off or torn))
    return row("right")


def title(operator: Any) -> str:
    variant = operator.variant_test_name
    return f"{operator.name} ({variant})" if variant else str(operator.name)


def measured(operator: Any, exporter: Exporter = "torchscript") -> Iterator[Row]:
    """The rows of one operator."""
    try:
        found = samples(operator)
    except Exception as error:
        yield Row(title(operator), 0, exporter, "not differentiable", "no sample: " + line(error))
        return
    for number, module in found[:1] if exporter == "dynamo" else found:
        yield tried(title(operator), number, module, exporter)


def work(first: int, exporter: Exporter) -> None:
    """Prints the rows of the operators from the `first` on, as they come."""
    table = operators()
    for number in range(first, len(table), STEP[exporter]):
        print(json.dumps({"begins": number}), flush=True)
        for row in measured(table[number], exporter):
            print(json.dumps(asdict(row)), flush=True)


def measure(exporter: Exporter) -> list[Row]:
    """All rows; where an operator kills its process, a new one goes on behind it."""
    table = operators()
    rows: list[Row] = []
    first = 0
    while first < len(table):
        command = [sys.executable, "-m", "benchmarks.opinfo", "--from", str(first), exporter]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as worker:
            assert worker.stdout is not None
            for text in worker.stdout:
                if text.startswith('{"begins"'):
                    first = json.loads(text)["begins"]
                elif text.startswith('{"op"'):
                    rows.append(Row(**json.loads(text)))
        if worker.returncode == 0:
            break
        died = f"the process died (exit code {worker.returncode})"
        rows.append(Row(title(table[first]), -1, exporter, "not run", died))
        first += STEP[exporter]
    return rows


def main() -> None:
    match sys.argv[1:]:
        case ["--from", first, "torchscript" | "dynamo" as exporter]:
            work(int(first), exporter)
        case []:
            write([row for exporter in STEP for row in measure(exporter)], PAGE)
        case names:
            for operator in operators():
                if operator.name in names:
                    for row in measured(operator):
                        print(row)


if __name__ == "__main__":
    main()
