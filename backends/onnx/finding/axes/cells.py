"""What slices, gathers, pads, joins and windows make of one axis."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, groupby

from .factors import (
    FRESH,
    NONE,
    Axis,
    Factor,
    Fresh,
    Given,
    Joined,
    Lost,
    Reordered,
    descends,
    flipped,
    fresh,
    length,
    lost,
    merged,
    renewed,
    size,
)
from .strides import strides_of, walked


def cut(axis: Axis, start: int, count: int, step: int = 1) -> Axis:
    """Cells start, start + step, ... (count of them) of an axis."""
    total = size(axis)
    if (start, count, step) == (0, total, 1):
        return axis
    if (start, count, step) == (total - 1, total, -1):
        return flipped(axis)
    if len(axis) == 1:
        (factor,) = axis
        if isinstance(factor.origin, Fresh | Lost):
            return (Factor(factor.origin, count),)
        if isinstance(factor.origin, Given) or not factor.whole:
            return (_strided(factor, start, count, step),)
        return picked(axis, range(start, start + count * step, step))
    if axis and step == 1 and count:
        outer, inner = axis[0], axis[1:]
        block = size(inner)
        if start % block == 0 and count % block == 0:
            return merged((*cut((outer,), start // block, count // block), *inner))
        if start // block == (start + count - 1) // block:
            return merged((*cut((outer,), start // block, 1), *cut(inner, start % block, count)))
    return picked(axis, range(start, start + count * step, step))


def _strided(factor: Factor, start: int, count: int, step: int) -> Factor:
    """A walk over every step-th cell; each stands for the cells up to the next."""
    first = start if step > 0 else start + 1
    begin = factor.start + first * factor.width
    left = factor.extent - start if step > 0 else start + 1
    whole = Fraction(left, count) if abs(step) * count > left else Fraction(abs(step))
    width = factor.width * (whole if step > 0 else -whole)
    found = replace(factor, extent=count, width=width, start=begin)
    return _snapped(found) if factor.loose else found


def _snapped(factor: Factor) -> Factor:
    """What was cut back to the size of the picture lies over it: step t of a causal convolution."""
    extent = length(factor.origin)
    if factor.extent * abs(factor.width) != extent:
        return factor
    return replace(factor, start=NONE if factor.width > 0 else Fraction(extent))


def picked(axis: Axis, cells: Sequence[int]) -> Axis:
    """Those cells of an axis, in that order, repeated where a number is."""
    total = size(axis)
    if not cells or not total:
        return fresh(len(cells))
    cells = tuple(int(cell) % total for cell in cells)
    if not descends(axis):
        return renewed(axis, len(cells))
    if len(axis) == 1 and axis[0].whole and isinstance(axis[0].origin, Reordered):
        inner = axis[0].origin
        return picked(inner.base, [inner.cells[cell] for cell in cells])
    if len(axis) == 1 and axis[0].whole and isinstance(axis[0].origin, Joined):
        return _picked_parts(axis[0].origin.parts, cells)
    step = cells[1] - cells[0] if len(cells) > 1 else 1
    regular = step != 0 and cells == tuple(range(cells[0], cells[0] + step * len(cells), step))
    if regular and (len(axis) == 1 or (abs(step) == 1 and len(cells) == total)):
        return cut(axis, cells[0], len(cells), step)
    given = len(axis) == 1 and isinstance(axis[0].origin, Given)
    strides = strides_of(cells) if given else None
    if strides is not None:
        return walked(axis[0], cells[0], strides)
    return (Factor(Reordered(axis, cells), len(cells)),)


def _picked_parts(parts: Sequence[Axis], cells: Sequence[int]) -> Axis:
    """Of joined axes: runs within one part are cells of that part."""
    ends = list(accumulate(size(part) for part in parts))
    starts = [0, *ends]
    runs = groupby(cells, key=lambda cell: bisect_right(ends, cell))
    return joined([picked(parts[n], [cell - starts[n] for cell in run]) for n, run in runs])


def joined(parts: Sequence[Axis]) -> Axis:
    """Axes one after the other (Concat)."""
    flat: list[Axis] = []
    for part in parts:
        whole = len(part) == 1 and part[0].whole and isinstance(part[0].origin, Joined)
        pieces = part[0].origin.parts if whole else (part,)  # type: ignore[union-attr]
        for piece in (piece or (Factor(FRESH, 1),) for piece in pieces):
            one = _follows(flat[-1], piece) if flat else None
            if one is None:
                flat.append(piece)
            else:
                flat[-1] = one
    if len(flat) == 1:
        return flat[0]
    return _rearranged(flat) or (Factor(Joined(tuple(flat)), sum(size(p) for p in flat)),)


def _follows(first: Axis, second: Axis) -> Axis | None:
    """Both as one axis, where the second goes on as the first ends."""
    if not first or not second or first[1:] != second[1:]:
        return None
    a, b = first[0], second[0]
    if isinstance(a.origin, Fresh | Lost):
        same = type(a.origin) is type(b.origin)
        return (Factor(a.origin, a.extent + b.extent), *first[1:]) if same else None
    if a.origin != b.origin or a.width != b.width or a.end != b.start:
        return None
    return (replace(a, extent=a.extent + b.extent), *first[1:])


def _rearranged(parts: Sequence[Axis]) -> Axis | None:
    """Pieces of one origin in another order (a roll) as a reordering of what they cover."""
    if any(len(part) != 1 for part in parts):
        return None
    factors = [part[0] for part in parts]
    first = factors[0]
    alike = all(f.origin == first.origin and f.width == first.width for f in factors)
    if not alike or isinstance(first.origin, Fresh | Lost):
        return None
    low = min(f.start for f in factors) if first.width > 0 else max(f.start for f in factors)
    cells: list[int] = []
    for factor in factors:
        offset = (factor.start - low) / first.width
        if offset.denominator != 1:
            return None
        cells += range(int(offset), int(offset) + factor.extent)
    base = (Factor(first.origin, max(cells) + 1, first.width, low),)
    return picked(base, cells)


def widened(axis: Axis, before: int, after: int) -> Axis:
    """The axis with cells put before and after it, or taken away (Pad)."""
    if not before and not after:
        return axis
    total = before + size(axis) + after
    if before <= 0 and after <= 0:
        return cut(axis, -before, total)
    if len(axis) == 1 and isinstance(axis[0].origin, Given):
        factor = axis[0]
        return (replace(factor, extent=total, start=factor.start - before * factor.width),)
    if not descends(axis):
        return renewed(axis, total)
    kept = cut(axis, max(-before, 0), size(axis) + min(before, 0) + min(after, 0))
    return joined([*([fresh(before)] if before > 0 else []), kept, *([fresh(after)] * (after > 0))])


def stretched(axis: Axis, extent: int, why: Lost) -> Axis:
    """Other cells over the same window (convolutions, pools, Resize).

    Cells that were put between those of a picture (a pixel shuffle's, a nearest enlargement's) are
    places from here on.
    """
    first, rest = axis[:1], axis[1:]
    refined = bool(rest) and descends(first) and all(isinstance(f.origin, Fresh) for f in rest)
    if size(axis) == extent and not refined:
        return axis
    if not descends(axis):
        return renewed(axis, extent)
    if len(axis) == 1 and axis[0].whole and isinstance(axis[0].origin, Joined):
        return _stretched_parts(axis[0].origin.parts, size(axis), extent, why)
    if len(axis) == 1 or refined:
        factor = axis[0]
        if isinstance(factor.origin, Given) or not factor.whole:
            width = factor.width * Fraction(factor.extent, extent)
            return (replace(factor, extent=extent, width=width),)
    return lost(extent, why)


def beyond(axis: Axis, extent: int, before: Fraction, stride: int) -> Axis | None:
    """Cells `stride` wide from `before` cells in front of an axis on; None if it is in pieces."""
    if len(axis) != 1 or not isinstance(axis[0].origin, Given):
        return None
    factor = axis[0]
    start = factor.start - before * factor.width
    width = factor.width * stride
    return (Factor(factor.origin, extent, width, start, loose=True),)


def _stretched_parts(parts: Sequence[Axis], total: int, extent: int, why: Lost) -> Axis:
    """Each of joined axes by itself, where the new cells share out evenly."""
    shares = [Fraction(size(part) * extent, total) for part in parts]
    if any(share.denominator != 1 for share in shares):
        return lost(extent, why)
    pairs = zip(parts, shares, strict=True)
    return joined([stretched(part, int(share), why) for part, share in pairs])
