"""The factors of one tensor and what each is: rows, channels, a place, a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..axes.factors import (
    FRESH,
    SWEPT,
    Axes,
    Axis,
    Factor,
    Given,
    Joined,
    Reordered,
    descends,
    leaves,
    size,
)


@dataclass(frozen=True)
class Roles:
    """What the axes of the inputs are, seen from one score."""

    batch: frozenset[Given]
    """Those that count rows."""
    channels: frozenset[Given]
    """Colours, features."""

    def of(self, origin: Given) -> str:
        """batch, channels or space."""
        if origin in self.batch:
            return "batch"
        return "channels" if origin in self.channels else "space"


@dataclass
class Piece:
    """A factor of one tensor, under a name."""

    factor: Factor
    axis: int
    role: str = "channels"
    """batch, channels, space, frame (a map of its own), refined (put between cells of a place),
    band (of a map, at no place of an input)."""
    name: str = ""


def opened(axes: Axes) -> tuple[list[Axis], dict[int, tuple[int, int]]] | None:
    """Of joined axes the one part that has places, and how many cells lie before and after it."""
    out: list[Axis] = []
    kept: dict[int, tuple[int, int]] = {}
    for i, axis in enumerate(axes):
        if not descends(axis) or not any(isinstance(f.origin, Joined) for f in axis):
            out.append(axis)
            continue
        if len(axis) != 1 or not axis[0].whole:
            return None
        parts = axis[0].origin.parts  # type: ignore[union-attr]
        n = _pictured(parts)
        if n is None:
            return None
        before, after = (sum(size(p) for p in side) for side in (parts[:n], parts[n + 1 :]))
        kept[i] = before, after
        out.append(parts[n])
    return out, kept


def _pictured(parts: Sequence[Axis]) -> int | None:
    """Which of joined axes has places; of several inputs', the one with the most."""
    behind = {n: {o for o in leaves(part) if isinstance(o, Given)} for n, part in enumerate(parts)}
    behind = {n: origins for n, origins in behind.items() if origins}
    if len(behind) > 1 and any(o.axis == 0 for origins in behind.values() for o in origins):
        return None
    names = [{origin.input for origin in origins} for origins in behind.values()]
    if not names or sum(map(len, names)) != len(set().union(*names)):
        return None
    return max(behind, key=lambda n: len(behind[n]))


def assigned(axes: Sequence[Axis], roles: Roles) -> list[Piece]:
    """Every factor with its role."""
    parts = [Piece(f, i) for i, axis in enumerate(axes) for f in axis if f.extent > 1]
    for part in parts:
        origin = given_behind(part.factor)
        if origin is not None:
            part.role = roles.of(origin)
        elif part.factor.origin == SWEPT:
            part.role = "band"
    by_axis = [[p for p in parts if p.axis == i] for i in range(len(axes))]
    apart = any(own and all(p.role == "channels" for p in own) for own in by_axis)
    apart = apart or any(not own for own in by_axis[1:])
    rows = _batch_axes(by_axis)
    if rows and not by_axis[rows[0]]:
        parts = _with_single(parts, by_axis, rows[0], "batch")
    empty = [i for i, own in enumerate(by_axis) if not own and i not in rows]
    if not any(p.role == "channels" for p in parts):
        parts = _with_some_channels(parts, by_axis, empty)
    for own in by_axis:
        _with_channels(own, apart)
    _frames(parts, by_axis)
    return parts


def _with_some_channels(
    parts: list[Piece], by_axis: Sequence[list[Piece]], empty: Sequence[int]
) -> list[Piece]:
    """With an axis of one cell as the one channel; else the first of bands are the channels."""
    if empty:
        return _with_single(parts, by_axis, empty[0], "channels")
    for part in [p for p in parts if p.role == "band"][:1]:
        part.role = "channels"
    return parts


def _with_single(
    parts: Sequence[Piece], by_axis: Sequence[list[Piece]], axis: int, role: str
) -> list[Piece]:
    """With a piece for an axis of one cell: the one row, the one channel."""
    single = Piece(Factor(FRESH, 1), axis, role)
    by_axis[axis].append(single)
    return sorted([*parts, single], key=lambda p: p.axis)


def _batch_axes(by_axis: Sequence[Sequence[Piece]]) -> list[int]:
    """Where rows are counted; with one row, the first axis that holds nothing."""
    found = [i for i, own in enumerate(by_axis) if any(p.role == "batch" for p in own)]
    return found or [i for i, own in enumerate(by_axis) if not own][:1]


def _with_channels(own: Sequence[Piece], apart: bool) -> None:
    """Places among channels are channels, but where channels lie between places (pixel shuffle)."""
    kinds = [p.role for p in own]
    if "channels" in kinds:
        kinds = ["channels" if kind == "band" else kind for kind in kinds]
        for part, kind in zip(own, kinds, strict=True):
            part.role = kind
    if "space" not in kinds or "channels" not in kinds:
        return
    first = kinds.index("space")
    between = all(k == "channels" for k in kinds[first + 1 :]) and kinds.count("space") == 1
    if apart and between and "channels" not in kinds[:first]:
        for part in own[first + 1 :]:
            part.role = "refined"
        return
    for part in own:
        part.role = "channels" if part.role == "space" else part.role


def _frames(parts: Sequence[Piece], by_axis: Sequence[Sequence[Piece]]) -> None:
    """What shares the first axis with the batch, with no window inside it, has maps of its own.

    Alone there it is a place where the tensor has no room for others: the steps of [T, 1, C].
    """
    first = by_axis[0] if by_axis else ()
    shared = any(p.role == "batch" for p in first) or len(by_axis) > 3
    others = [p for p in parts if p.axis != 0 and p.role == "space"]
    for part in first if shared or others else ():
        inside = any(p.factor.origin == part.factor.origin for p in others)
        if part.role == "space" and not inside:
            part.role = "frame"


def given_behind(factor: Factor) -> Given | None:
    """The one axis of an input that a factor walks over."""
    origin = factor.origin
    if isinstance(origin, Reordered):
        found = {given_behind(inner) for inner in origin.base}
        return found.pop() if len(found) == 1 and len(origin.base) == 1 else None
    return origin if isinstance(origin, Given) else None
