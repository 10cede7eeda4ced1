"""A tensor as a map: its layout, the input that it is of, and what it covers of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from cam_core.maps.arrangement import Arrangement
from cam_core.maps.layout import Layout

from ..axes.factors import Axes, Axis, size
from .layouts import in_letters, layout_of
from .pieces import Piece, Roles, assigned, opened
from .walks import Window, at_any_size, pictured, walks_of


@dataclass(frozen=True)
class Seen:
    """A tensor as a map."""

    layout: Layout | Arrangement
    input: str
    """Whose places its own are."""
    places: tuple[int, ...]
    """The axes of that input, in its order."""
    windows: tuple[Window, ...]
    """What the map covers of each of them, as parts of its extent."""
    extents: tuple[int | None, ...]
    """Cells along each; None where the run time decides."""
    channels: int | None
    apart: bool = False
    """Are the channels taken apart (heads of an attention, groups)?"""
    shifts: tuple[Window, ...] = ()
    """Where extents are open, cells that are added to the windows."""
    rows: Mapping[int, tuple[int, int | None]] = field(default_factory=dict)
    """By axis with summary tokens: how many come first, how many places follow."""

    def tokens_on(self, axis: int) -> tuple[int, int | None]:
        """(how many cells of an axis lie before its places, how many places; None: all others)."""
        return self.rows.get(axis, (0, None))


def read(first: Axes, second: Axes, roles: Roles) -> Seen | None:
    """The tensor as a map; None where it has no place in a picture.

    Args:
        first, second: its axes at both probes.
    """
    one, other = opened(first), opened(second)
    if one is None or other is None:
        return None
    (axes, kept), (others, _) = one, other
    if [len(axis) for axis in axes] != [len(axis) for axis in others]:
        return None
    parts = assigned(axes, roles)
    walks = walks_of(parts)
    if not walks:
        return _point(axes, others, kept, parts)
    name = pictured(walks)
    own = sorted((w for w in walks if w.origin.input == name), key=lambda w: w.origin.axis)
    for walk in walks:
        if walk.origin.input != name:
            for piece in walk.pieces:
                piece.role = "channels"
    free = _free(axes, others)
    batch = [p for p in parts if p.role in ("batch", "frame")]
    twins = {
        id(a): b
        for ours, theirs in zip(axes, others, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    }
    windows, shifts = zip(*(at_any_size(walk, twins) for walk in own), strict=True)
    dynamic = {id(p) for p in parts if (p.axis, id(p.factor)) in free}
    extents = tuple(
        None if any(id(p) in dynamic for p in (*w.pieces, *w.refined)) else w.extent for w in own
    )
    channels = [p for p in parts if p.role in ("channels", "band")]
    open_ended = any(id(p) in dynamic for p in channels)
    count = None if open_ended else prod(p.factor.extent for p in channels)
    layout = layout_of(axes, kept, parts, batch, channels, own, dynamic)
    if layout is None:
        return None
    places = tuple(w.origin.axis for w in own)
    tokens = {i: (before, _cells(axes[i], others[i])) for i, (before, _) in kept.items()}
    apart = len({p.axis for p in channels if p.role != "band"}) > 1
    return Seen(layout, name, places, windows, extents, count, apart, shifts, tokens)


def _point(
    axes: Sequence[Axis],
    others: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[Piece],
) -> Seen | None:
    """Channels of each row without a place, for whoever names such a layer."""
    if any(p.role in ("space", "frame") for p in parts):
        return None
    layout = in_letters(axes, kept, parts, [], set())
    if layout is None:
        return None
    cells = [_cells(axes[p.axis], others[p.axis]) for p in parts if p.role == "channels"]
    return Seen(layout, "", (), (), (), cells[0] if cells else 1)


def _cells(axis: Axis, other: Axis) -> int | None:
    """How many cells, where both probes agree."""
    return size(axis) if size(axis) == size(other) else None


def _free(axes: Sequence[Axis], others: Sequence[Axis]) -> set[tuple[int, int]]:
    """(axis, id of the factor) of those whose extent differs between the probes."""
    return {
        (i, id(a))
        for i, (ours, theirs) in enumerate(zip(axes, others, strict=True))
        for a, b in zip(ours, theirs, strict=True)
        if a.extent != b.extent
    }
