"""Numbers of cells in an order of their own, as the few ranges that long orders are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHORT = 64
"""Orders of up to this many cells are spelled one by one, as they always were."""


def runs(cells: Sequence[int]) -> list[range]:
    """The numbers in order, as ranges of any step but 0, each as long as can be."""
    numbers = np.asarray(cells, np.int64)
    steps = np.diff(numbers)
    turns = np.flatnonzero(np.diff(steps)) + 1  # where the step from a cell is another
    found: list[range] = []
    at = 0
    while at < numbers.size:
        step = int(steps[at]) if at < steps.size else 1
        later = turns[np.searchsorted(turns, at, "right") :][:1]
        last = int(later[0]) if later.size else numbers.size - 1
        last = last if step else at
        first = int(numbers[at])
        found.append(range(first, first + (last - at + 1) * (step or 1), step or 1))
        at = last + 1
    return found


def spelled(cells: Sequence[int]) -> str:
    """3,4,0,1,2; of a long order 400-999,0-399, or 0-990/10,1-991/10: both ends are in it."""
    if len(cells) <= SHORT:
        return ",".join(map(str, cells))
    return ",".join(_range(part) for part in runs(cells))


def _range(part: range) -> str:
    if len(part) == 1:
        return str(part[0])
    step = f"/{abs(part.step)}" if abs(part.step) > 1 else ""
    return f"{part[0]}-{part[-1]}{step}"


def read(text: str) -> tuple[int, ...]:
    """The numbers that `spelled` wrote."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        ends, _, step = part.partition("/")
        first, dash, last = ends.partition("-")
        by = int(step or 1)
        if not dash:
            found.append(int(first))
        elif int(last) >= int(first):
            found += range(int(first), int(last) + 1, by)
        else:
            found += range(int(first), int(last) - 1, -by)
    return tuple(found)
