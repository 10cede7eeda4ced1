"""The walks of one tensor over the axes of an input, each put together from its pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import prod

from ..axes.factors import NONE, ONE, Factor, Given, Reordered
from .pieces import Piece, given_behind

Window = tuple[Fraction, Fraction]
"""Of an input's axis, as parts of its extent, the lower end first."""


@dataclass
class Walk:
    """All pieces that walk over one axis of an input together."""

    origin: Given
    pieces: list[Piece]
    width: Fraction
    low: Fraction
    cells: tuple[int, ...] = ()
    """Where the cells lie, those put between them too, if in another order."""
    refined: list[Piece] = field(default_factory=list)
    """Cells put between those of the walk."""

    @property
    def extent(self) -> int:
        return prod(p.factor.extent for p in (*self.pieces, *self.refined))


def walks_of(parts: Sequence[Piece]) -> list[Walk]:
    """The walks over the inputs' axes; none at all where one of them has a gap."""
    groups: dict[object, list[Piece]] = {}
    for part in parts:
        if part.role == "space":
            groups.setdefault(part.factor.origin, []).append(part)
    found: list[Walk] = []
    for origin, own in groups.items():
        walk = _walk(origin, own, parts)
        if walk is None or any(walk.origin == other.origin for other in found):
            return []
        found.append(walk)
    return found


def _walk(origin: object, own: list[Piece], parts: Sequence[Piece]) -> Walk | None:
    own = sorted(own, key=lambda p: -abs(p.factor.width))
    for outer, inner in pairwise(own):
        if outer.factor.width != inner.factor.width * inner.factor.extent:
            return None
    wider = [p for p in parts if p.role == "channels" and p.factor.origin == origin]
    if any(abs(p.factor.width) > abs(own[0].factor.width) for p in wider):
        return None
    given = given_behind(own[0].factor)
    if given is None:
        return None
    width = own[-1].factor.width
    low = sum((_lowest(p.factor) for p in own), NONE)
    walk = Walk(given, own, width, low)
    if isinstance(origin, Reordered):
        whole = prod(p.factor.extent for p in own) == len(origin.cells)
        if (
            width != ONE
            or low
            or not whole
            or sorted(origin.cells) != list(range(len(origin.cells)))
        ):
            return None
        (base,) = origin.base
        walk = Walk(given, own, base.width, _lowest(base), origin.cells)
    walk.refined = [
        p for p in parts if p.role == "refined" and p.axis == own[-1].axis and len(own) == 1
    ]
    between = prod(p.factor.extent for p in walk.refined)
    walk.cells = tuple(cell * between + i for cell in walk.cells for i in range(between))
    return walk


def _lowest(factor: Factor) -> Fraction:
    """The lower end of all that a factor walks over."""
    return min(factor.start, factor.end)


def pictured(walks: Sequence[Walk]) -> str:
    """The input with the most axes among the places; of equals the first."""
    counts: dict[str, int] = {}
    for walk in walks:
        counts[walk.origin.input] = counts.get(walk.origin.input, 0) + 1
    return max(counts, key=lambda name: counts[name])


def window_of(walk: Walk) -> Window:
    """What of its axis of the input a walk covers."""
    reach = abs(walk.width) * prod(p.factor.extent for p in walk.pieces)
    return walk.low / walk.origin.extent, (walk.low + reach) / walk.origin.extent


def at_any_size(walk: Walk, twins: Mapping[int, Factor]) -> tuple[Window, Window]:
    """(parts of the extent, cells that are added to them) as two probes have it in common.

    `twins`: by id, the factor of the other probe.
    """
    window = window_of(walk)
    others = [twins[id(p.factor)] for p in walk.pieces]
    origin = others[0].origin
    if not isinstance(origin, Given) or origin.extent == walk.origin.extent:
        return window, (NONE, NONE)
    low = sum((_lowest(factor) for factor in others), NONE)
    reach = abs(others[-1].width) * prod(factor.extent for factor in others)
    bounds = [
        _bound(a * walk.origin.extent, walk.origin.extent, b, origin.extent)
        for a, b in zip(window, (low, low + reach), strict=True)
    ]
    (first, second) = bounds
    return (first[0], second[0]), (first[1], second[1])


def _bound(first: Fraction, extent: int, second: Fraction, other: int) -> tuple[Fraction, Fraction]:
    """(part, cells) of a bound at two extents: a part alone, or so far from one of the ends."""
    if abs(first / extent - second / other) * extent < ROUNDED:
        return first / extent, NONE
    part = (second - first) / (other - extent)
    part = next((end for end in (NONE, ONE) if abs(part - end) * extent < ROUNDED), part)
    return part, first - part * extent


ROUNDED = Fraction(1, 2)
"""Of a cell, within which a bound that was rounded off is the same part of both."""
