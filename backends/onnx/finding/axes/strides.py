"""Tables of indices that are strides within strides: windows, interleavings, repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from .factors import FRESH, NONE, Axis, Factor, length

Stride = tuple[int, int]
"""(how often, by how many cells each time)"""


def strides_of(cells: Sequence[int]) -> list[Stride] | None:
    """The strides of a table, the outer one first: [0, 1, 4, 5] are (2, 4) and (2, 1).

    None where it is no strides within strides, or walks forth by one and back by another.
    """
    found: list[Stride] = []
    left = np.asarray(cells)
    while len(left) > 1:
        steps = np.diff(left)
        others = np.flatnonzero(steps != steps[0])
        count = int(others[0]) + 1 if others.size else len(left)
        if len(left) % count or count < 2:
            return None
        rows = left.reshape(-1, count)
        if (rows - rows[:, :1] != rows[0] - rows[0, 0]).any():
            return None
        found.insert(0, (count, int(steps[0])))
        left = rows[:, 0]
    forth = any(step > 0 for _, step in found)
    back = any(step < 0 for _, step in found)
    return None if forth == back else found


def walked(factor: Factor, first: int, strides: Sequence[Stride]) -> Axis:
    """Cells of a factor from `first` on, by strides within strides.

    A stride of 0 repeats, which is an axis of its own. Where windows overlap, the walk from window
    to window goes along their middles; over the whole of its origin where it is as long, as that of
    a convolution does.
    """
    width, first_edge = abs(factor.width), factor.start + first * factor.width
    lowest = first_edge + min(factor.width, NONE)
    forth = any(step * factor.width > 0 for _, step in strides)
    near = lowest if forth else lowest + width
    found = [Factor(FRESH, count) for count, _ in strides]
    done = NONE
    order = _widest_first(strides)
    for i, *inner in (order[n:] for n in range(len(order))):
        count, step = strides[i]
        walk = replace(factor, extent=count, width=factor.width * step, start=near)
        reach = width + sum((strides[j][0] - 1) * abs(strides[j][1]) * width for j in inner)
        turned = min(walk.width, NONE)
        low = _start(walk, reach) + turned if inner else lowest
        found[i] = replace(walk, start=low - done - turned)
        done = low
    return tuple(found)


def _widest_first(strides: Sequence[Stride]) -> list[int]:
    """The numbers of those that move, the windows before the cells within them."""
    moving = [i for i, (_, step) in enumerate(strides) if step]
    return sorted(moving, key=lambda i: -abs(strides[i][1]))


def _start(walk: Factor, reach: Fraction) -> Fraction:
    """Where a walk over windows of that reach starts, which it says of the nearest one."""
    over = reach - abs(walk.width)
    if over <= 0:
        return walk.start
    whole = length(walk.origin)
    if abs(walk.width) * walk.extent == whole:
        return NONE if walk.width > 0 else Fraction(whole)
    return walk.start + (over if walk.width > 0 else -over) / 2
