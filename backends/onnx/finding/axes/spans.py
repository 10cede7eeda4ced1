"""How far axes walk over the inputs' axes: what is nearly the same, and what lost its windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from .factors import NONE, Axes, Axis, Factor, Fresh, Given, Joined, Lost, Origin, Reordered


def spans(axes: Iterable[Axis]) -> dict[Origin, Fraction]:
    """How far the widest walk over each origin goes, those inside reorderings included."""
    found: dict[Origin, Fraction] = {}
    for factor in (factor for axis in axes for factor in axis):
        if isinstance(factor.origin, Fresh | Lost):
            continue
        reach = abs(factor.width) * factor.extent
        found[factor.origin] = max(found.get(factor.origin, NONE), reach)
        for origin, inner in spans(within(factor.origin)).items():
            found[origin] = max(found.get(origin, NONE), inner)
    return found


def within(origin: Origin) -> Sequence[Axis]:
    """The axes that a reordering or a join is made of."""
    if isinstance(origin, Reordered):
        return (origin.base,)
    return origin.parts if isinstance(origin, Joined) else ()


def narrowed(axes: Axes, before: Mapping[Origin, Fraction], why: Lost) -> Axes:
    """Lost is what walks within windows of which nobody knows any more which it is."""
    after = spans(axes)
    gone = {origin for origin, reach in after.items() if reach < before.get(origin, NONE)}
    if not gone:
        return axes

    def left(factor: Factor) -> Factor:
        inner = {factor.origin, *spans(within(factor.origin))} & gone
        return Factor(why, factor.extent) if inner else factor

    return tuple(tuple(left(factor) for factor in axis) for axis in axes)


Span = tuple[Fraction, Fraction, Fraction]
"""(the middle of a walk, its reach, the width of a cell), below zero where it goes backwards."""


def spans_of(axis: Axis) -> dict[Given, Span]:
    """What an axis walks over of each axis of an input, in order; reorderings as their base."""
    found: dict[Given, Span] = {}
    for factor in axis:
        if isinstance(factor.origin, Given):
            middle, reach, width = found.get(factor.origin, (NONE, NONE, NONE))
            own = factor.extent * factor.width
            smaller = min((w for w in (width, factor.width) if w), key=abs)
            middle += factor.start + own / 2
            found[factor.origin] = middle, max(reach, own, key=abs), smaller
        for part in within(factor.origin):
            found |= {o: span for o, span in spans_of(part).items() if o not in found}
    return found


def near(a: Span, b: Span) -> bool:
    """The same direction, and middles no more than a cell apart (a shift, a crop to fit)."""
    return a[1] * b[1] > 0 and abs(a[0] - b[0]) <= max(abs(a[2]), abs(b[2]))
