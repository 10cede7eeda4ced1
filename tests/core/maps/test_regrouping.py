"""Pieces of axes as other axes, of whatever extents: one view of known extents says the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.maps.regrouping import regrouped

EXTENTS = {"N": 2, "a": 3, "b": 4, "c": 5, "d": 2}
MOVES: dict[str, Any] = {
    "bands among channels": ([("N",), ("a",), ("b",), ("c",)], [("N",), ("a", "b"), ("c",)]),
    "bands behind places": ([("N",), ("a",), ("c",), ("b",)], [("N",), ("a", "b"), ("c",)]),
    "tokens": ([("N",), ("b", "c"), ("a",)], [("N",), ("b", "a"), ("c",)]),
    "frames": ([("N", "d"), ("a",), ("c",)], [("N", "d"), ("a",), ("c",)]),
    "no channels": ([("N",), (), ("c",)], [("N",), (), ("c",)]),
    "a single cell goes": ([("N",), (), ("a", "c")], [("N",), ("a",), ("c",)]),
}


def by_einsum(t: Any, before: Any, after: Any) -> Any:
    """With all extents known."""
    first = [name for axis in before for name in axis]
    last = [name for axis in after for name in axis]
    parts = np.reshape(t, [EXTENTS[name] for name in first])
    moved = np.einsum(f"{''.join(first)}->{''.join(last)}", parts)
    return moved.reshape([int(np.prod([EXTENTS[n] for n in axis])) for axis in after])


@pytest.mark.parametrize("name", MOVES)
def test_there_and_back(name: str) -> None:
    before, after = MOVES[name]
    shape = [int(np.prod([EXTENTS[n] for n in axis])) for axis in before]
    t = np.random.default_rng(0).normal(size=shape)
    known = {name: extent for name, extent in EXTENTS.items() if name not in "Nc"}
    there = regrouped(t, before, after, known)
    np.testing.assert_array_equal(there, by_einsum(t, before, after))
    np.testing.assert_array_equal(regrouped(there, after, before, known), t)
