"""Blame as colours of a graph: the custom node data of Model Explorer, a file of JSON.

Its schema: graph -> {results: {node: {value, bgColor?}}, gradient: [{stop, bgColor}]}, stops from 0
(the smallest value) to 1 (the largest).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .rating import Rating

COLD, HOT, BROKEN = "#fff5eb", "#d94801", "#7f0000"
"""Of no blame, of the most, and of a tensor that overflows."""


def node_data(graph: str, ratings: Sequence[Rating]) -> dict[str, Any]:
    """By node of the quantised file, its largest blame.

    Args:
        graph: the name of the file's graph.
        ratings: of its tensors.
    """
    finite = [r.blame for r in ratings if np.isfinite(r.blame)]
    most = max(finite, default=0.0)
    results: dict[str, dict[str, Any]] = {}
    for rating in sorted(ratings, key=lambda r: r.blame):  # the largest is written last
        if np.isfinite(rating.blame):
            results[rating.suspect.shown] = {"value": rating.blame}
        else:
            results[rating.suspect.shown] = {"value": most, "bgColor": BROKEN}
    stops = [{"stop": 0, "bgColor": COLD}, {"stop": 1, "bgColor": HOT}]
    return {graph or "main_graph": {"results": results, "gradient": stops}}
