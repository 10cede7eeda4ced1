"""Whole graphs, drawn at random, against central differences in float64; then in onnxruntime."""

from __future__ import annotations

from hypothesis import given, note
from hypothesis import strategies as st

from tests.rules.drawn import draws, require_differences
from tests.rules.drawn_graphs import graph

SHARE = 40


@draws(SHARE)
@given(st.integers(5, 40), st.integers(0, 2**32 - 1))
def test_graph(count: int, seed: int) -> None:
    drawn = graph(count, seed)
    note(drawn)
    require_differences(drawn, seed)
