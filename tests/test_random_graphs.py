"""Whole graphs, drawn at random, against central differences in float64; then in onnxruntime."""

from __future__ import annotations

import runpy
from pathlib import Path

from hypothesis import given, note
from hypothesis import strategies as st

HERE = Path(__file__).parent
DRAWN = runpy.run_path(str(HERE / "drawn.py"))
GRAPHS = runpy.run_path(str(HERE / "drawn_graphs.py"))
SHARE = 40


@DRAWN["draws"](SHARE)
@given(st.integers(5, 40), st.integers(0, 2**32 - 1))
def test_graph(count: int, seed: int) -> None:
    drawn = GRAPHS["graph"](count, seed)
    note(drawn)
    DRAWN["require_differences"](drawn, seed)
