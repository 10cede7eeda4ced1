"""The same cells in the same order as axes of other extents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

from .factors import Axes, Axis, Factor, Lost, descends, fresh, loss, lost, merged, size, split


def regrouped(axes: Iterable[Axis], extents: Sequence[int], why: Lost) -> Axes:
    """The same cells in the same order as axes of other extents (Reshape).

    Where a boundary falls inside no factor, all axes up to the next that fits are lost.
    """
    waiting = _handed_on(merged(factor for axis in axes for factor in axis))
    if 0 in extents or size(waiting) == 0:
        return tuple(fresh(extent) for extent in extents)
    out: list[Axis] = []
    todo = list(extents)
    while todo:
        extent = todo.pop(0)
        taken, left = _take(waiting, extent)
        if left is not None:
            out.append(merged(taken))
            waiting = left
            continue
        group = [extent]
        gone: list[Factor] = []
        while prod(group) != size(gone) and (todo or waiting):
            if prod(group) < size(gone) and todo:
                group.append(todo.pop(0))
            elif waiting:
                gone.append(waiting.pop(0))
            else:
                group.append(todo.pop(0))
        if size(gone) != prod(group):
            return tuple(lost(e, why) for e in extents)
        kind = loss(gone) or why
        out += [lost(e, kind) if descends(gone) or loss(gone) else fresh(e) for e in group]
    if size(waiting) != 1:
        return tuple(lost(e, why) for e in extents)
    return tuple(out)


def _handed_on(factors: Sequence[Factor]) -> list[Factor]:
    """Without extents of 1; where they lie, another factor of the same origin tells from now on."""
    kept = [factor for factor in factors if factor.extent != 1]
    for single in (factor for factor in factors if factor.extent == 1):
        for i, factor in enumerate(kept):
            if factor.origin == single.origin:
                kept[i] = replace(factor, start=factor.start + single.low)
                break
    return kept


def _take(waiting: Sequence[Factor], extent: int) -> tuple[list[Factor], list[Factor] | None]:
    """(the first factors of this extent, what is left); None where a boundary is inside one."""
    taken: list[Factor] = []
    left = list(waiting)
    while extent != 1:
        if not left:
            return taken, None
        first = left.pop(0)
        if extent % first.extent == 0:
            taken.append(first)
            extent //= first.extent
        elif first.extent % extent == 0:
            outer, inner = split(first, extent)
            taken.append(outer)
            left.insert(0, inner)
            extent = 1
        else:
            return taken, None
    return taken, left
