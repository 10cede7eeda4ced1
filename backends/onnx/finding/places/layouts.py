"""How a tensor is read as [N, K, *S]: in letters where they suffice, else by its pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cam_core.maps.arrangement import Arrangement, Place, pieces
from cam_core.maps.layout import Layout

from ..axes.factors import Axis, Given
from .pieces import Piece
from .walks import Walk


def layout_of(
    axes: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[Piece],
    batch: Sequence[Piece],
    channels: Sequence[Piece],
    walks: Sequence[Walk],
    dynamic: set[int],
) -> Layout | Arrangement | None:
    """In letters where they suffice, else by pieces."""
    if any(p.role == "frame" and not _in_order(p) for p in parts):
        return None
    simple = in_letters(axes, kept, parts, walks, dynamic)
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


def _in_order(part: Piece) -> bool:
    """Are frames as they are in the input?"""
    return part.factor.width > 0 and isinstance(part.factor.origin, Given)


def in_letters(
    axes: Sequence[Axis],
    kept: Mapping[int, tuple[int, int]],
    parts: Sequence[Piece],
    walks: Sequence[Walk],
    dynamic: set[int],
) -> Layout | None:
    """NCHW, NHWC, N(1+14*14)C, (N*8*8)(7*7)C and their kin."""
    if any(w.width < 0 or w.cells or w.refined for w in walks):
        return None
    if any(p.role in ("frame", "band") for p in parts):
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
    if walks and len(spaces) != len(axes) - 2:  # an axis of one cell is no place
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
    own: Sequence[Sequence[Piece]],
    kinds: Sequence[set[str]],
    kept: Mapping[int, tuple[int, int]],
    tokens: Sequence[int],
    rows: Sequence[int],
    walks: Sequence[Walk],
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
