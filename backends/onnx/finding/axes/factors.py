"""Where the cells of an axis come from: ordered factors, exactly split and merged again.

An axis is a list of factors, row-major, the outer one first. A factor walks over the cells of its
origin: cell k covers what is between start + k width and start + (k + 1) width there; a width below
zero is a walk backwards. Several factors of one origin add up: their lower ends do. Splits and
merges are exact; what cannot be written as factors is `Lost`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeAlias

ONE = Fraction(1)
NONE = Fraction(0)


@dataclass(frozen=True)
class Given:
    """An axis of an input."""

    input: str
    axis: int
    extent: int


@dataclass(frozen=True)
class Fresh:
    """From weights, a sum over what was there before, channels of a convolution."""

    swept: bool = False
    """Did windows walk along it? Its cells are a map's then, at no place of an input: the bands of
    a spectrogram, beside the channels that each of them has."""


@dataclass(frozen=True)
class Sides(Fresh):
    """Which of several inputs it is, that were put side by side."""

    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lost:
    """It descends from an input, but it is not known which cell from where."""

    node: str
    why: str


@dataclass(frozen=True)
class Reordered:
    """Cells in another order: cell k is cell `cells[k]` of `base`."""

    base: Axis
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Joined:
    """Several axes, one after the other."""

    parts: tuple[Axis, ...]


Origin = Given | Fresh | Lost | Reordered | Joined
FRESH = Fresh()
SWEPT = Fresh(swept=True)


@dataclass(frozen=True)
class Factor:
    """A piece of an axis."""

    origin: Origin
    extent: int
    width: Fraction = ONE
    """Of one cell, in cells of the origin; of no meaning where the origin is fresh or lost."""
    start: Fraction = NONE
    loose: bool = False
    """Did a convolution pad more than it takes? What is cut off later may belong to that."""

    @property
    def whole(self) -> bool:
        """Every cell of its origin, in order."""
        return (self.width, self.start, self.extent) == (ONE, NONE, length(self.origin))

    @property
    def end(self) -> Fraction:
        """Where the walk ends."""
        return self.start + self.extent * self.width

    @property
    def low(self) -> Fraction:
        """The lower end of the first cell."""
        return self.start + min(self.width, NONE)


Axis: TypeAlias = tuple[Factor, ...]
Axes: TypeAlias = tuple[Axis, ...]


def length(origin: Origin) -> int:
    """Cells of an origin; 0 where it has no number."""
    if isinstance(origin, Given):
        return origin.extent
    if isinstance(origin, Reordered):
        return len(origin.cells)
    return sum(size(part) for part in origin.parts) if isinstance(origin, Joined) else 0


def size(axis: Iterable[Factor]) -> int:
    """The extent of an axis."""
    return prod(factor.extent for factor in axis)


def fresh(extent: int, kind: Fresh = FRESH) -> Axis:
    """An axis that comes from no input."""
    return (Factor(kind, extent),) if extent != 1 else ()


def renewed(axis: Axis, extent: int) -> Axis:
    """Other cells of an axis without places: fresh as it is, or lost where it was."""
    why = loss(axis)
    if why is not None:
        return lost(extent, why)
    swept = bool(axis) and all(factor.origin == SWEPT for factor in axis)
    return fresh(extent, SWEPT if swept else FRESH)


def lost(extent: int, origin: Lost) -> Axis:
    """An axis of which only the extent is known."""
    return (Factor(origin, extent),) if extent != 1 else ()


def leaves(axis: Iterable[Factor]) -> Iterator[Origin]:
    """The inputs' axes that it descends from, `Fresh` and `Lost` as they come."""
    for factor in axis:
        if isinstance(factor.origin, Reordered):
            yield from leaves(factor.origin.base)
        elif isinstance(factor.origin, Joined):
            for part in factor.origin.parts:
                yield from leaves(part)
        else:
            yield factor.origin


def descends(axis: Iterable[Factor]) -> bool:
    """Is a place in an input known of any part of it?"""
    return any(isinstance(origin, Given) for origin in leaves(axis))


def loss(axis: Iterable[Factor]) -> Lost | None:
    """Where it was lost, if it was."""
    return next((origin for origin in leaves(axis) if isinstance(origin, Lost)), None)


def merged(factors: Iterable[Factor]) -> Axis:
    """Neighbours whose steps fit become one factor; of extents of 1 those stay that say where."""
    found: list[Factor] = []
    for factor in factors:
        if factor.extent == 1 and not factor.low:
            continue
        one = _one(found[-1], factor) if found else None
        if one is None:
            found.append(factor)
        else:
            found[-1] = one
    return _unwrapped(found)


def _unwrapped(factors: Sequence[Factor]) -> Axis:
    """A factor that is the whole of a reordering which changes nothing is what it reorders."""
    out: list[Factor] = []
    for factor in factors:
        origin = factor.origin
        plain = isinstance(origin, Reordered) and origin.cells == tuple(range(size(origin.base)))
        out += origin.base if plain and factor.whole else [factor]  # type: ignore[union-attr]
    return tuple(out)


def _one(outer: Factor, inner: Factor) -> Factor | None:
    if isinstance(outer.origin, Fresh | Lost) or isinstance(inner.origin, Fresh | Lost):
        both_lost = isinstance(outer.origin, Lost) and isinstance(inner.origin, Lost)
        if not both_lost and outer.origin != inner.origin:
            return None
        return Factor(outer.origin, outer.extent * inner.extent)
    if outer.origin != inner.origin or outer.width != inner.width * inner.extent:
        return None
    start = outer.start + inner.start + min(outer.width, NONE)
    return Factor(outer.origin, outer.extent * inner.extent, inner.width, start)


def split(factor: Factor, outer: int) -> tuple[Factor, Factor]:
    """(the outer part, of that extent, the rest); `outer` divides the extent."""
    inner = factor.extent // outer
    if isinstance(factor.origin, Fresh | Lost):
        return Factor(factor.origin, outer), Factor(factor.origin, inner)
    return (
        replace(factor, extent=outer, width=factor.width * inner),
        replace(factor, extent=inner, start=max(-factor.width * inner, NONE)),
    )


def flipped(axis: Axis) -> Axis:
    """The axis walked backwards."""
    return tuple(
        factor
        if isinstance(factor.origin, Fresh | Lost)
        else replace(factor, width=-factor.width, start=factor.end)
        for factor in axis
    )
