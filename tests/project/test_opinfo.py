"""Operators that torch tests itself with, a seeded part of them, against torch.autograd.

All of them: `python -m benchmarks.opinfo`, which also writes docs/opinfo.md.
"""

from __future__ import annotations

import importlib
from collections import Counter

import numpy as np
import pytest

from tests.paths import ROOT

for package in ("torch", "onnxscript", "expecttest"):
    pytest.importorskip(package, reason="torch's table of operators, and its exporter, need it")
if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)

SHARE = 30
"""Of 540 operators, three samples each."""


@pytest.mark.filterwarnings("ignore")  # torch's own, of its old exporter and its samples
def test_a_part_of_torchs_operators() -> None:
    """What is exported and runs is right, or refused by name; most of it is right."""
    opinfo = importlib.import_module("benchmarks.opinfo.__main__")
    table = opinfo.operators()
    order = np.random.default_rng(4).permutation(len(table))
    rows = [row for i in order[:SHARE] for row in opinfo.measured(table[i])]
    assert not [row for row in rows if row.status == "WRONG"]
    count = Counter(row.status for row in rows)
    assert count["right"] >= 30
    assert count["refused"] + count["differences"] <= 5, count
