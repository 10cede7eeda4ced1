"""Damaged models and pictures end in a result or in one line: never a traceback, a crash, a hang.

The corpus is in `corpus.py`; a fifth of it runs here, all of it with

    SWEEP=all pytest tests/project/test_robustness.py

The cases run in worker processes (`corpus_worker.py`), so that one which kills its process is
known by name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.project.corpus import CASES

MIB = 2048
LONGEST = 1100
"""Characters of a line that one may still be shown."""

EVERY = os.environ.get("SWEEP") == "all"
STATED = [name for name, case in CASES.items() if case.expected != "either"]
RANDOM = [name for name, case in CASES.items() if case.expected == "either"]
CHOSEN = [*STATED, *(RANDOM if EVERY else RANDOM[::5])]
BY_COMMAND = [*STATED[::6], *RANDOM[:: 10 if EVERY else 100]]
"""Those that go through the command line as well."""


class Worker:
    """A process that answers case by case; a new one takes the place of one that died."""

    def __init__(self) -> None:
        quiet = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.project.corpus_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | quiet | {"PYTHONPATH": path},
        )
        assert self._line() == '"ready"\n', "the worker does not start"

    def ask(self, kind: str, name: str) -> dict[str, Any]:
        """What came of a case; {"died": how} if the process did."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([kind, name]) + "\n")
        self.process.stdin.flush()
        line = self._line()
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.close()
        return {"died": f"exit code {self.process.returncode}"}

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _line(self) -> str:
        """The next line; '' if there is none any more."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def outcome_of() -> Iterator[Callable[[str, str], dict[str, Any]]]:
    """What came of a case, from one process as long as it lives."""
    workers = [Worker()]

    def ask(kind: str, name: str) -> dict[str, Any]:
        found = workers[-1].ask(kind, name)
        if "died" in found:
            workers.append(Worker())
        return found

    yield ask
    workers[-1].close()


def _harmless(outcome: dict[str, Any]) -> None:
    """No crash, no traceback, one line where refused; nothing said, left over or used up."""
    assert "died" not in outcome, outcome["died"]
    for action, step in outcome["steps"].items():
        assert step["end"] in ("works", "refused"), f"{action}: {step['line']}"
        if step["end"] == "refused":
            line = step["line"]
            assert line.isprintable(), f"{action}: {line!r}"
            assert 10 < len(line) < LONGEST, f"{action}: {line}"
    assert outcome["said"] == ""
    assert outcome["mib"] < MIB


def _whole(outcome: dict[str, Any]) -> None:
    """Only what succeeded has left files, under their final names."""
    makers = {"out.onnx": "instrument", "stripped.onnx": "strip", "out": "explain"}
    for file in outcome["left"]:
        parts = Path(file).parts
        made = next((makers[part] for part in parts if part in makers), None)
        assert not parts[-1].startswith("."), f"left behind: {file}"
        assert made is not None, f"left behind: {file}"
        assert outcome["steps"][made]["end"] == "works", f"half-written: {file}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [*(("api", name) for name in CHOSEN), *(("cli", name) for name in BY_COMMAND)],
)
def test_damage_ends_in_a_result_or_a_line(
    kind: str, name: str, outcome_of: Callable[[str, str], dict[str, Any]]
) -> None:
    outcome = outcome_of(kind, name)
    _harmless(outcome)
    _whole(outcome)
    expected, steps = CASES[name].expected, outcome["steps"]
    if expected != "either":
        assert steps["explain"]["end"] == expected, steps["explain"]["line"]
    if expected == "refused" and "instrument" in steps and "asks for" not in name:
        assert steps["instrument"]["end"] == "refused"


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 500
    assert len(CHOSEN) >= len(CASES) // 5
