"""One axis of several that are added up or multiplied cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

from .factors import SWEPT, Axis, Factor, Fresh, Joined, Lost, Reordered, descends, loss, lost, size
from .spans import near, same_order, spans_of


def agreed(candidates: Sequence[Axis], why: Lost) -> Axis:
    """One axis of an elementwise result: what is known of a picture wins over what is not."""
    first = candidates[0]
    if all(axis is first for axis in candidates):
        return first
    unique = list(dict.fromkeys(candidates))
    known = [axis for axis in unique if descends(axis)]
    if not known:
        swept = (axis for axis in unique if any(factor.origin == SWEPT for factor in axis))
        return next((axis for axis in unique if loss(axis)), next(swept, unique[0]))
    both = _together(known)
    if both is not None:
        return both
    plainest = min(known, key=lambda axis: (_in_pieces(axis), len(axis)))
    if all(axis is plainest or _alike(plainest, axis) for axis in known):
        return plainest
    return lost(size(plainest), why)


def _together(known: Sequence[Axis]) -> Axis | None:
    """What is known of each piece: rows and windows, of those and of rows that are repeated.

    None where several know a piece otherwise, or one's ends within another's.
    """
    found: list[Factor] = []
    left = [list(axis) for axis in known]
    while any(left):
        if not all(left):
            return None
        told = {axis[0] for axis in left if not isinstance(axis[0].origin, Fresh)}
        if len(told) > 1:
            return None
        piece = told.pop() if told else min((axis[0] for axis in left), key=lambda f: f.extent)
        found.append(piece)
        if not all(_taken(axis, piece.extent) for axis in left):
            return None
    return tuple(found)


def _taken(axis: list[Factor], extent: int) -> bool:
    """Takes the first cells off; False where a piece that is known would be cut."""
    first = axis.pop(0)
    if first.extent == extent:
        return True
    if not isinstance(first.origin, Fresh) or first.extent % extent:
        return False
    axis.insert(0, Factor(first.origin, first.extent // extent))
    return True


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
