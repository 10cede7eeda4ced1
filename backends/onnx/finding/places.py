"""What the axes of a tensor are: batch, channels, places of a picture, and so how to read a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import prod

from cam_core.maps.arrangement import Arrangement, Place, pieces
from cam_core.maps.layout import Layout

from .axes.factors import (
    FRESH,
    NONE,
    ONE,
    Axes,
    Axis,
    Factor,
    Given,
    Joined,
    Reordered,
    descends,
    size,
)

Window = tuple[Fraction, Fraction]
"""Of an input's axis, as parts of its extent, the lower end first."""


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


@dataclass(frozen=True)
class Seen:
    """A tensor as a map."""

    layout: Layout | Arrangement
    input: str
    """Whose places its own are."""
    places: tuple[int, ...]
    """The axes of that input, in its order."""
    windows: tuple[Window, ...]
    """What the map covers of each of them."""
    extents: tuple[int | None, ...]
    """Cells along each; None where the run time decides."""
    channels: int | None
    apart: bool = False
    """Are the channels taken apart (heads of an attention, groups)?"""
    rows: Mapping[int, tuple[int, int | None]] = field(default_factory=dict)
    """By axis with summary tokens: how many come first, how many places follow."""

    def tokens_on(self, axis: int) -> tuple[int, int | None]:
        """(how many cells of an axis lie before its places, how many places; None: all others)."""
        return self.rows.get(axis, (0, None))


@dataclass
class _Piece:
    """A factor of one tensor, under a name."""

    factor: Factor
    axis: int
    role: str = "channels"
    name: str = ""


@dataclass
class _Walk:
    """All pieces that walk over one axis of an input together."""

    origin: Given
    pieces: list[_Piece]
    width: Fraction
    low: Fraction
    cells: tuple[int, ...] = ()
    """Where the cells lie in another order."""
    refined: list[_Piece] = field(default_factory=list)
    """Cells put between those of the walk."""

    @property
    def extent(self) -> int:
        return prod(p.factor.extent for p in (*self.pieces, *self.refined))


def read(first: Axes, second: Axes, roles: Roles) -> Seen | None:
    """The tensor as a map; None where it has no place in a picture.

    Args:
        first, second: its axes at both probes.
    """
    opened = _opened(first)
    twin = _opened(second)
    if opened is None or twin is None:
        return None
    (axes, kept), (others, _) = opened, twin
    if [len(axis) for axis in axes] != [len(axis) for axis in others]:
        return None
    parts = _assigned(axes, roles)
    walks = _walks(parts)
    if not walks:
        return _point(axes, others, kept, parts)
    name = _pictured(walks)
    own = sorted((w for w in walks if w.origin.input == name), key=lambda w: w.origin.axis)
    for walk in walks:
        if walk.origin.input != name:
            for piece in walk.pieces:
                piece.role = "channels"
    free = _free(axes, others)
    batch = [p for p in parts if p.role in ("batch", "frame")]
    windows = tuple(_window(walk) for walk in own)
    dynamic = {id(p) for p in parts if (p.axis, id(p.factor)) in free}
    extents = tuple(
        None if any(id(p) in dynamic for p in (*w.pieces, *w.refined)) else w.extent for w in own
    )
    channels = [p for p in parts if p.role == "channels"]
    open_ended = any(id(p) in dynamic for p in channels)
    count = None if open_ended else prod(p.factor.extent for p in channels)
    layout = _layout(axes, kept, parts, batch, channels, own, dynamic)
    if layout is None:
        return None
    places = tuple(w.origin.axis for w in own)
    tokens = {i: (before, _cells(axes[i], others[i])) for i, (before, _) in kept.items()}
    apart = len({p.axis for p in channels}) > 1
    return Seen(layout, name, places, windows, extents, count, apart, tokens)


def _point(
    axes: Sequence[Axis],
    others: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[_Piece],
) -> Seen | None:
    """Channels of each row without a place, for whoever names such a layer."""
    if any(p.role in ("space", "frame") for p in parts):
        return None
    layout = _in_letters(axes, kept, parts, [], set())
    if layout is None:
        return None
    cells = [_cells(axes[p.axis], others[p.axis]) for p in parts if p.role == "channels"]
    return Seen(layout, "", (), (), (), cells[0] if cells else 1)


def _cells(axis: Axis, other: Axis) -> int | None:
    """How many cells, where both probes agree."""
    return size(axis) if size(axis) == size(other) else None


def _opened(axes: Axes) -> tuple[list[Axis], dict[int, tuple[int, int]]] | None:
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
        placed = [n for n, part in enumerate(parts) if descends(part)]
        if len(placed) != 1:
            return None
        (n,) = placed
        before, after = (sum(size(p) for p in side) for side in (parts[:n], parts[n + 1 :]))
        kept[i] = before, after
        out.append(parts[n])
    return out, kept


def _assigned(axes: Sequence[Axis], roles: Roles) -> list[_Piece]:
    """Every factor with its role."""
    parts = [_Piece(f, i) for i, axis in enumerate(axes) for f in axis if f.extent > 1]
    for part in parts:
        origin = _given(part.factor)
        if origin is not None:
            part.role = roles.of(origin)
    by_axis = [[p for p in parts if p.axis == i] for i in range(len(axes))]
    apart = any(own and all(p.role == "channels" for p in own) for own in by_axis)
    apart = apart or any(not own for own in by_axis[1:])
    empty = [i for i, own in enumerate(by_axis) if not own and i not in _batch_axes(by_axis)]
    if empty and not any(p.role == "channels" for p in parts):
        single = _Piece(Factor(FRESH, 1), empty[0])  # the one channel
        by_axis[empty[0]].append(single)
        parts = sorted([*parts, single], key=lambda p: p.axis)
    for own in by_axis:
        _with_channels(own, apart)
    _frames(parts, by_axis)
    return parts


def _batch_axes(by_axis: Sequence[Sequence[_Piece]]) -> list[int]:
    """Where rows are counted; with one row, the first axis that holds nothing."""
    found = [i for i, own in enumerate(by_axis) if any(p.role == "batch" for p in own)]
    return found or [i for i, own in enumerate(by_axis) if not own][:1]


def _with_channels(own: Sequence[_Piece], apart: bool) -> None:
    """Places among channels are channels, but where channels lie between places (pixel shuffle)."""
    kinds = [p.role for p in own]
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


def _frames(parts: Sequence[_Piece], by_axis: Sequence[Sequence[_Piece]]) -> None:
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


def _given(factor: Factor) -> Given | None:
    """The one axis of an input that a factor walks over."""
    origin = factor.origin
    if isinstance(origin, Reordered):
        found = {_given(inner) for inner in origin.base}
        return found.pop() if len(found) == 1 and len(origin.base) == 1 else None
    return origin if isinstance(origin, Given) else None


def _walks(parts: Sequence[_Piece]) -> list[_Walk]:
    """The walks over the inputs' axes; none at all where one of them has a gap."""
    groups: dict[object, list[_Piece]] = {}
    for part in parts:
        if part.role == "space":
            groups.setdefault(part.factor.origin, []).append(part)
    found: list[_Walk] = []
    for origin, own in groups.items():
        walk = _walk(origin, own, parts)
        if walk is None or any(walk.origin == other.origin for other in found):
            return []
        found.append(walk)
    return found


def _walk(origin: object, own: list[_Piece], parts: Sequence[_Piece]) -> _Walk | None:
    own = sorted(own, key=lambda p: -abs(p.factor.width))
    for outer, inner in pairwise(own):
        if outer.factor.width != inner.factor.width * inner.factor.extent:
            return None
    wider = [p for p in parts if p.role == "channels" and p.factor.origin == origin]
    if any(abs(p.factor.width) > abs(own[0].factor.width) for p in wider):
        return None
    given = _given(own[0].factor)
    if given is None:
        return None
    width = own[-1].factor.width
    low = sum((_lowest(p.factor) for p in own), NONE)
    walk = _Walk(given, own, width, low)
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
        walk = _Walk(given, own, base.width, _lowest(base), origin.cells)
    walk.refined = [
        p for p in parts if p.role == "refined" and p.axis == own[-1].axis and len(own) == 1
    ]
    return walk


def _lowest(factor: Factor) -> Fraction:
    """The lower end of all that a factor walks over."""
    return min(factor.start, factor.end)


def _pictured(walks: Sequence[_Walk]) -> str:
    """The input with the most axes among the places; of equals the first."""
    counts: dict[str, int] = {}
    for walk in walks:
        counts[walk.origin.input] = counts.get(walk.origin.input, 0) + 1
    return max(counts, key=lambda name: counts[name])


def _window(walk: _Walk) -> Window:
    reach = abs(walk.width) * prod(p.factor.extent for p in walk.pieces)
    if len(walk.pieces) > 1 or walk.cells:
        reach = abs(walk.width) * walk.extent
    return walk.low / walk.origin.extent, (walk.low + reach) / walk.origin.extent


def _free(axes: Sequence[Axis], others: Sequence[Axis]) -> set[tuple[int, int]]:
    """(axis, id of the factor) of those whose extent differs between the probes."""
    return {
        (i, id(a))
        for i, (ours, theirs) in enumerate(zip(axes, others, strict=True))
        for a, b in zip(ours, theirs, strict=True)
        if a.extent != b.extent
    }


def _layout(
    axes: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[_Piece],
    batch: Sequence[_Piece],
    channels: Sequence[_Piece],
    walks: Sequence[_Walk],
    dynamic: set[int],
) -> Layout | Arrangement | None:
    """In letters where they suffice, else by pieces."""
    simple = _in_letters(axes, kept, parts, walks, dynamic)
    if simple is not None:
        return simple
    names = pieces()
    rows = [p for p in batch if p.role == "batch"]
    for part in parts:
        part.name = next(names)
    for own, name in ((rows[:1], "N"), (channels if len(channels) == 1 else [], "C")):
        for part in own:
            part.name = name
    arranged = tuple(tuple(p.name for p in parts if p.axis == i) for i in range(len(axes)))
    found = Arrangement(
        arranged,
        {p.name: p.factor.extent for p in parts if id(p) not in dynamic},
        tuple(p.name for p in (*rows, *(p for p in batch if p.role == "frame"))),
        tuple(p.name for p in channels),
        tuple(
            Place(tuple(p.name for p in (*w.pieces, *w.refined)), w.width < 0, w.cells)
            for w in walks
        ),
        dict(kept),
    )
    return found if found.fits(free="N") else None


def _in_letters(
    axes: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[_Piece],
    walks: Sequence[_Walk],
    dynamic: set[int],
) -> Layout | None:
    """NCHW, NHWC, N(1+14*14)C, (N*8*8)(7*7)C and their kin."""
    if any(w.width < 0 or w.cells or w.refined for w in walks):
        return None
    if any(p.role == "frame" for p in parts):
        return None
    own = [[p for p in parts if p.axis == i] for i in range(len(axes))]
    kinds = [{p.role for p in axis} for axis in own]
    tokens = [
        i for i, kind in enumerate(kinds) if kind == {"space"} and (len(own[i]) > 1 or i in kept)
    ]
    spaces = [i for i, kind in enumerate(kinds) if kind == {"space"}]
    rows = [i for i, kind in enumerate(kinds) if "batch" in kind]
    windows = [p for i in rows for p in own[i] if p.role == "space"]
    if any(len(kind) > 1 for i, kind in enumerate(kinds) if i not in rows) or len(rows) > 1:
        return None
    order = [p for w in walks for p in w.pieces]
    if windows or len(tokens) == 1:
        return _in_tokens(own, kinds, kept, tokens or spaces, rows, walks, dynamic)
    if len(spaces) != len(walks) or tokens or kept or [p for i in spaces for p in own[i]] != order:
        return None
    at = _row_axis(kinds, rows)
    mixed = [i for i, kind in enumerate(kinds) if kind == {"channels"} and i != at]
    single = mixed or [i for i, kind in enumerate(kinds) if not kind and i != at]
    if at is None or len(mixed) > 1 or not single:
        return None
    return _letters(len(axes), at, single[0])


def _row_axis(kinds: Sequence[set[str]], rows: Sequence[int]) -> int | None:
    """Where the batch is: the first axis of extent 1 where no other counts rows."""
    if rows:
        return rows[0]
    return next((i for i, kind in enumerate(kinds) if not kind), None)


def _in_tokens(
    own: Sequence[Sequence[_Piece]],
    kinds: Sequence[set[str]],
    kept: Mapping[int, tuple[int, int]],
    tokens: Sequence[int],
    rows: Sequence[int],
    walks: Sequence[_Walk],
    dynamic: set[int],
) -> Layout | None:
    """[N, T, C], [N, C, T], [T, N, C]; windows in the batch, where they are first."""
    if len(own) != 3 or len(tokens) != 1:
        return None
    (at,) = tokens
    batch = rows[0] if rows else next((i for i, k in enumerate(kinds) if not k and i != at), None)
    if batch is None:
        return None
    channel = next(i for i in range(3) if i not in (at, batch))
    letters = "".join({at: "T", batch: "N", channel: "C"}[i] for i in range(3))
    skip, drop = kept.get(at, (0, 0))
    inner = list(own[at])
    windows = [p for p in own[batch] if p.role == "space"]
    if windows:
        first = [p for p in own[batch] if p.role == "batch"] + windows
        expected = [p for w in walks for p in w.pieces]
        paired = [p for pair in zip(windows, inner, strict=False) for p in pair]
        if first != list(own[batch]) or paired != expected or len(windows) != len(inner):
            return None
        if any(id(p) in dynamic for p in (*windows, *inner)) or skip or drop or batch != 0:
            return None
        return Layout(
            letters,
            grid=tuple(p.factor.extent for p in inner),
            windows=tuple(p.factor.extent for p in windows),
        )
    if inner != [p for w in walks for p in w.pieces]:
        return None
    grid = () if any(id(p) in dynamic for p in inner) else tuple(p.factor.extent for p in inner)
    return Layout(letters, grid=grid if len(grid) > 1 else (), skip=skip, drop=drop)


def _letters(rank: int, batch: int, channel: int) -> Layout:
    """The axes of a map as Layout spells them: NCHW, NHWC, NCL, NCDHW; tokens where C is last."""
    if rank == 3 and channel == 2:
        return Layout("NTC" if batch == 0 else "TNC")
    space = {3: "L", 4: "HW", 5: "DHW"}.get(rank, "ABDEFGH"[: max(rank - 2, 0)])
    letters = iter(space)
    return Layout(
        "".join("N" if i == batch else "C" if i == channel else next(letters) for i in range(rank))
    )
