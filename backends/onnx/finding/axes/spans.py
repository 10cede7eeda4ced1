"""How far axes walk over the inputs' axes: what is nearly the same, and what lost its windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from .factors import NONE, Axes, Axis, Factor, Fresh, Given, Joined, Lost, Origin, Reordered, size


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
    """The same direction, and middles no more than a cell or an eighth of the way apart.

    A shift, a crop to fit, a convolution that looks back in time.
    """
    far = max(abs(a[2]), abs(b[2]), abs(a[1]) / 8, abs(b[1]) / 8)
    return a[1] * b[1] > 0 and abs(a[0] - b[0]) <= far


def same_order(a: Axis, b: Axis) -> bool:
    """Where cells were put in another order, is it nearly the same order in both?"""
    orders = [_order(axis) for axis in (a, b)]
    if orders == [None, None]:
        return True
    ours, theirs = (order or range(sum(1 for _ in a) and size(a)) for order in orders)
    return len(ours) == len(theirs) and all(
        abs(i - j) <= 1 for i, j in zip(ours, theirs, strict=True)
    )


def _order(axis: Axis) -> tuple[int, ...] | None:
    """The cells of a whole reordering; None where nothing is reordered."""
    origins = [factor.origin for factor in axis if isinstance(factor.origin, Reordered)]
    return origins[0].cells if origins else None
