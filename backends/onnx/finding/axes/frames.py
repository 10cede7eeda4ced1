"""Windows that overlap, or leave gaps, as a table of cells lists them: frames of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from .factors import NONE, Axes, Axis, Factor, Given, length, size


def framed(factor: Factor, cells: Sequence[int]) -> Axis | None:
    """Those cells of a walk, two steps one in the other, as two walks; None if they are none.

    The one of larger reach tiles all that is read, as the frames of a convolution do; the other is
    a walk over one window. Cells of which each is read once and none left out are in an order of
    their own: a reordering, which can be undone.
    """
    found = _steps(np.asarray(cells))
    if found is None:
        return None
    outer, inner = found
    first = factor.start + cells[0] * factor.width
    if outer[0] * outer[1] >= inner[0] * inner[1]:
        return _tiles(factor, first, outer, inner), _window(factor, *inner)
    return _window(factor, *outer), _tiles(factor, first, inner, outer)


def stacked(parts: Sequence[Axes], at: int) -> Axes | None:
    """Windows of one axis put one behind the other along a new axis `at`; None if it is not that.

    Which window it is, the new axis says, and the other where in it: the frames of an unfolding
    that was written as slices.
    """
    first = parts[0]
    differ = [i for i in range(len(first)) if any(axes[i] != first[i] for axes in parts)]
    if len(differ) != 1 or differ == [at] or any(size(axes[at]) != 1 for axes in parts):
        return None
    (along,) = differ
    if any(len(axes[along]) != 1 for axes in parts):
        return None
    own = [axes[along][0] for axes in parts]
    base, starts = own[0], [factor.start for factor in own]
    hop = (starts[1] - starts[0]) / base.width
    alike = all(replace(factor, start=base.start) == base for factor in own)
    regular = all(b - a == hop * base.width for a, b in pairwise(starts))
    if not isinstance(base.origin, Given) or not alike or not regular or hop < 1:
        return None
    frames = _tiles(base, base.start, (len(own), hop), (base.extent, 1))
    out = list(first)
    out[at], out[along] = (frames,), (_window(base, base.extent, 1),)
    return tuple(out)


Steps = tuple[int, int | Fraction]
"""(how many, how many cells from one to the next)."""


def _steps(cells: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Steps, Steps] | None:
    """Of the outer walk and of the inner, both forwards."""
    steps = np.diff(cells)
    if not steps.size or steps[0] < 1 or (steps == steps[0]).all():
        return None
    count = int(np.argmax(steps != steps[0])) + 1
    if count < 2 or cells.size % count:
        return None
    hop, step = int(cells[count] - cells[0]), int(steps[0])
    rows = cells.size // count
    table = cells[0] + hop * np.arange(rows)[:, None] + step * np.arange(count)
    once = np.unique(cells).size == cells.size and hop <= (count - 1) * step
    if hop < 1 or once or not np.array_equal(cells, table.ravel()):
        return None
    return (rows, hop), (count, step)


def _tiles(factor: Factor, start: Fraction, frames: Steps, window: Steps) -> Factor:
    """The frames over all that they read; over all there is, where no more would fit in."""
    count, hop = frames
    read = ((count - 1) * hop + (window[0] - 1) * window[1] + 1) * factor.width
    origin = factor.origin
    left = length(origin) - read
    if start == 0 and isinstance(origin, Given) and 0 < left < hop * factor.width:
        read = Fraction(origin.extent)
    return Factor(origin, count, Fraction(read) / count, start)


def _window(factor: Factor, extent: int, step: int | Fraction) -> Factor:
    width = factor.width * step
    return Factor(factor.origin, extent, width, max(-width * extent, NONE))
