"""One axis of several that are added up or multiplied cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

from .factors import Axis, Joined, Lost, Reordered, descends, loss, lost, size
from .spans import near, same_order, spans_of


def agreed(candidates: Sequence[Axis], why: Lost) -> Axis:
    """One axis of an elementwise result: what is known of a picture wins over what is not."""
    first = candidates[0]
    if all(axis is first for axis in candidates):
        return first
    unique = list(dict.fromkeys(candidates))
    known = [axis for axis in unique if descends(axis)]
    if not known:
        return next((axis for axis in unique if loss(axis)), unique[0])
    plainest = min(known, key=lambda axis: (_in_pieces(axis), len(axis)))
    if all(axis is plainest or _alike(plainest, axis) for axis in known):
        return plainest
    return lost(size(plainest), why)


def _in_pieces(axis: Axis) -> bool:
    """Were cells joined or put in another order? What was shifted within is not that."""
    return any(isinstance(factor.origin, Joined | Reordered) for factor in axis)


def _alike(a: Axis, b: Axis) -> bool:
    """Do both walk over the same cells, or nearly; or over other inputs'?"""
    ours, theirs = spans_of(a), spans_of(b)
    if not {origin.input for origin in ours} & {origin.input for origin in theirs}:
        return True
    if list(ours) != list(theirs) or not all(near(ours[o], theirs[o]) for o in ours):
        return False
    return same_order(a, b)
