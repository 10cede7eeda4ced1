"""Which axes of a tensor became which of its view, dynamic extents included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

PRIME = 1_000_003
"""Larger than any extent, so that none of them is taken for a factor of the dynamic one."""


def numbers(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[int], list[int]] | None:
    """Both shapes in numbers, a large one for the one extent of each that is dynamic.

    None: more than one is, or no view makes one of the other.
    """
    static = [math.prod(size for size in shape if isinstance(size, int)) for shape in (old, new)]
    open_ends = [sum(not isinstance(size, int) for size in shape) for shape in (old, new)]
    if 0 in static or open_ends not in ([0, 0], [1, 1]):
        return None
    common = math.lcm(*static) * PRIME
    mine, theirs = (
        [size if isinstance(size, int) else common // known for size in shape]
        for shape, known in zip((old, new), static, strict=True)
    )
    return (mine, theirs) if math.prod(mine) == math.prod(theirs) else None


def groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Which axes of `old` became which of `new`; extents of 1 stand alone."""
    found: list[tuple[list[int], list[int]]] = [
        ([], [j]) for j, size in enumerate(new) if size == 1
    ]
    left = [i for i, size in enumerate(old) if size != 1]
    right = [j for j, size in enumerate(new) if size != 1]
    while left and right:
        mine, theirs = [left.pop(0)], [right.pop(0)]
        have, want = old[mine[0]], new[theirs[0]]
        while have != want:
            if have < want:
                mine.append(left.pop(0))
                have *= old[mine[-1]]
            else:
                theirs.append(right.pop(0))
                want *= new[theirs[-1]]
        found.append((mine, theirs))
    return found
