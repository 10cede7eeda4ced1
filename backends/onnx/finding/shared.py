"""A batch that several inputs share: one backbone that runs over the rows of each in one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .axes.factors import Axes, Axis, Factor, Given, Joined, Sides, leaves, size


@dataclass(frozen=True)
class Part:
    """The rows of one input."""

    axes: Axes
    """Of the tensor, with these rows alone."""
    axis: int
    """On which the rows lie."""
    number: int
    """Which part it is, from 0, of `count`."""
    count: int
    turns: bool
    """Does one row of each input follow the other?"""

    @property
    def place(self) -> tuple[int, int, int, bool]:
        """Where in the tensor they are."""
        return self.axis, self.number, self.count, self.turns


def sharing(axes: Axes) -> list[str]:
    """The inputs whose rows lie in one batch; [] where that is one input."""
    at = _axis_of(axes)
    return [] if at is None else _names(axes[at])


def part_of(axes: Axes, name: str) -> Part | None:
    """The rows of an input, where those of each can be told apart: as many of one as of another."""
    at = _axis_of(axes)
    if at is None or name not in _names(axes[at]):
        return None
    found = _side(axes[at], name) or _joined(axes[at], name)
    if found is None:
        return None
    own, number, count, turns = found
    return Part((*axes[:at], own, *axes[at + 1 :]), at, number, count, turns)


def _axis_of(axes: Axes) -> int | None:
    """Along which axis rows of several inputs lie."""
    if axes and len(_names(axes[0])) > 1:
        return 0
    rows = (i for i, axis in enumerate(axes) if any(_counts_rows(f) for f in axis))
    return next((i for i in rows if len(_names(axes[i])) > 1), None)


def _counts_rows(factor: Factor) -> bool:
    return isinstance(factor.origin, Joined) or _is_row(factor)


def _names(axis: Axis) -> list[str]:
    for factor in axis:
        if isinstance(factor.origin, Sides) and factor.extent > 1:
            return list(factor.origin.inputs)
    parts = [part for f in axis if isinstance(f.origin, Joined) for part in f.origin.parts]
    return list(dict.fromkeys(row.input for part in parts for row in _in_order(part)))


def _side(axis: Axis, name: str) -> tuple[Axis, int, int, bool] | None:
    """(the axis without them, which, of how many, in turns?) of inputs stacked side by side."""
    for i, factor in enumerate(axis):
        if isinstance(factor.origin, Sides):
            names, rest = factor.origin.inputs, (*axis[:i], *axis[i + 1 :])
            turns = i > 0
            only_rows = all(_is_row(f) for f in rest)
            if factor.extent != len(names) or (turns and (i < len(rest) or not only_rows)):
                return None
            return rest, names.index(name), len(names), turns
    return None


def _joined(axis: Axis, name: str) -> tuple[Axis, int, int, bool] | None:
    """The same of inputs of which one begins where the other ends."""
    first = axis[0]
    if not isinstance(first.origin, Joined) or not first.whole:
        return None
    parts = first.origin.parts
    owners = [{row.input for row in _rows(part)} for part in parts]
    distinct = len(set().union(*owners)) == len(parts) and all(len(own) == 1 for own in owners)
    if not distinct or len({size(part) for part in parts}) > 1:
        return None
    number = owners.index({name})
    return (*parts[number], *axis[1:]), number, len(parts), False


def _is_row(factor: Factor) -> bool:
    return isinstance(factor.origin, Given) and factor.origin.axis == 0


def _rows(axis: Iterable[Factor]) -> set[Given]:
    return set(_in_order(axis))


def _in_order(axis: Iterable[Factor]) -> list[Given]:
    return [o for o in leaves(axis) if isinstance(o, Given) and o.axis == 0]
