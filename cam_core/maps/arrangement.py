"""How a tensor whose axes are made of several pieces becomes [N, K, *S], and back.

Windows in the batch, frames in the batch, pictures that lie on their side or were walked through
backwards, tokens in any order: what `Layout` has no letters for. The text is that of einops with
the sizes of the pieces, `(N a8 b8) (c7 d7) C -> N C (a c) (b d)`.

These functions also run on symbolic tensors, as those of `Layout` do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ..backend import Array
from ..errors import InputError, LayerError
from .ranges import read, spelled
from .regrouping import Names, regrouped


@dataclass(frozen=True)
class Place:
    """One axis of S."""

    pieces: Names
    """The outer one first."""
    backwards: bool = False
    """Does the tensor walk over it from its end?"""
    cells: tuple[int, ...] = ()
    """Where each cell of the tensor belongs, if they lie in another order."""


@dataclass(frozen=True)
class Arrangement:
    """The pieces of each axis of a tensor, and what they are.

    >>> Arrangement((("N", "a"), ("c",), ("C",)), {"a": 8, "c": 7, "C": 64}, ("N",), ("C",),
    ...             (Place(("a", "c")),)).text()
    '(N a8) c7 C64 -> N C (a c)'
    """

    axes: tuple[Names, ...]
    """Of the tensor: the pieces of each axis, the outer one first."""
    extents: Mapping[str, int]
    """Of the pieces. The rows of a batch of any size may be missing, and others of any size where
    each axis is one piece."""
    rows: Names
    """The batch, and what has a map of its own beside it (frames)."""
    channels: Names
    space: tuple[Place, ...]
    kept: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """By axis: how many cells before and after the pieces have no place in space."""

    @property
    def maps(self) -> tuple[int, ...]:
        """How many maps each row of the batch has, by frames and the like."""
        return tuple(self.extents[name] for name in self.rows if name != "N")

    @property
    def summary(self) -> int:
        """How many tokens have no place in space."""
        return sum(sum(both) for both in self.kept.values())

    @property
    def identity(self) -> bool:
        """Never: `Layout` says what needs no arranging."""
        return False

    def fits(self, free: str) -> bool:
        """Is every extent known that has to be? `free` may be any."""
        unknown = {name for name in self._pieces() if name not in self.extents}
        moved = {n for p in self.space if p.cells or p.backwards for n in p.pieces}
        each = all(len(unknown & set(axis)) < 2 for axis in (*self.axes, *self._groups))
        return unknown <= {free} or (each and not unknown & moved)

    def apply(self, t: Array) -> Array:
        """The tensor as [N, K, *S], each frame a row; without its summary tokens."""
        t = self._cut(t)
        if self._open:
            t = regrouped(t, self.axes, self._groups, self.extents)
        else:
            t = np.reshape(t, self._extents(self._pieces()))
            t = _transposed(t, [self._pieces().index(name) for name in self._order()])
            t = np.reshape(t, [self._size(group) for group in self._groups])
        for axis, place in enumerate(self.space, start=2):
            there = self._there(place)
            t = np.take(t, there, axis=axis) if there is not None else t
        return t

    def invert(self, A: Array, original: Array | None = None) -> Array:
        """[N, K, *S] in the tensor's own axes; summary tokens come from `original`, one like it."""
        for axis, place in enumerate(self.space, start=2):
            there = self._there(place)
            A = np.take(A, np.argsort(there), axis=axis) if there is not None else A
        if self._open:
            t = regrouped(A, self._groups, self.axes, self.extents)
        else:
            A = np.reshape(A, self._extents(self._order()))
            t = _transposed(A, [self._order().index(name) for name in self._pieces()])
            t = np.reshape(t, [self._size(axis) for axis in self.axes])
        for axis, (before, after) in self.kept.items():
            if original is None:
                raise LayerError(
                    f"layout {self.text()}: the summary tokens must be given to invert it"
                )
            parts = [original[_on(axis, slice(0, before))]] if before else []
            parts += [t, *([original[_on(axis, slice(-after, None))]] if after else [])]
            t = np.concatenate(parts, axis=axis)
        return t

    def text(self) -> str:
        """As metadata keeps it."""
        left = " ".join(self._axis_text(i, axis) for i, axis in enumerate(self.axes))
        groups = [self.rows, self.channels]
        right = [*(_group(names) for names in groups), *(_place(place) for place in self.space)]
        return f"{left} -> {' '.join(right)}"

    @classmethod
    def parse(cls, text: str) -> Arrangement:
        """The arrangement that `text()` wrote.

        Raises:
            InputError: another text.
        """
        left, arrow, right = text.partition("->")
        found = [m.groupdict() for m in _AXIS.finditer(left)]
        groups = [m.groupdict() for m in _GROUP.finditer(right)]
        if not arrow or not found or len(groups) < 3:
            raise InputError(
                f"layout '{text}' is not understood; write (N a8) c7 C64 -> N C (a c), or NCHW"
            )
        extents: dict[str, int] = {}
        axes: list[Names] = []
        kept: dict[int, tuple[int, int]] = {}
        for i, axis in enumerate(found):
            pieces = [m.groups() for m in _PIECE.finditer(axis["many"] or axis["one"] or "")]
            extents |= {name: int(extent) for name, extent in pieces if extent}
            axes.append(tuple(name for name, _ in pieces))
            if axis["before"] or axis["after"]:
                kept[i] = int(axis["before"] or 0), int(axis["after"] or 0)
        rows, channels, *space = (tuple((g["many"] or g["one"] or "").split()) for g in groups)
        places = tuple(
            Place(
                names,
                bool(group["turned"]),
                read(group["cells"] or ""),
            )
            for names, group in zip(space, groups[2:], strict=True)
        )
        return cls(tuple(axes), extents, rows, channels, places, kept)

    def _axis_text(self, number: int, axis: Names) -> str:
        before, after = self.kept.get(number, (0, 0))
        inner = " ".join(f"{name}{self.extents.get(name, '')}" for name in axis)
        if not before and not after and len(axis) == 1:
            return inner
        lead, trail = (f"{before}+" if before else ""), (f"+{after}" if after else "")
        return f"({lead}{inner}{trail})"

    def _pieces(self) -> list[str]:
        return [name for axis in self.axes for name in axis]

    def _order(self) -> list[str]:
        return [*self.rows, *self.channels, *(n for place in self.space for n in place.pieces)]

    @property
    def _groups(self) -> tuple[Names, ...]:
        """The pieces of each axis of [N, K, *S]."""
        return (self.rows, self.channels, *(place.pieces for place in self.space))

    @property
    def _open(self) -> bool:
        """Do axes stay as they are, or is not only one extent unknown? One view can't say it."""
        single = all(len(names) < 2 for names in (*self.axes, *self._groups))
        return single or len({n for n in self._pieces() if n not in self.extents}) > 1

    def _size(self, names: Names) -> int:
        """Cells of several pieces; -1 where one is unknown."""
        known = all(name in self.extents for name in names)
        return prod(self.extents[name] for name in names) if known else -1

    def _extents(self, names: Sequence[str]) -> list[int]:
        return [self.extents.get(name, -1) for name in names]

    def _there(self, place: Place) -> Array | None:
        """For each cell of the map, which of the tensor it is; None where none moves."""
        if not place.cells and not place.backwards:
            return None
        there = np.argsort(place.cells) if place.cells else np.arange(self._size(place.pieces))
        return there[::-1].copy() if place.backwards else there

    def _cut(self, t: Array) -> Array:
        if t.ndim != len(self.axes):
            raise LayerError(f"layout {self.text()} needs rank {len(self.axes)}, not {t.ndim}")
        for axis, (before, after) in self.kept.items():
            t = t[_on(axis, slice(before, -after or None))]
        return t


def _on(axis: int, part: slice) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, part)


def _transposed(t: Array, order: Sequence[int]) -> Array:
    return t if list(order) == sorted(order) else np.transpose(t, order)


def _group(names: Names) -> str:
    return names[0] if len(names) == 1 else f"({' '.join(names)})"


def _place(place: Place) -> str:
    cells = f"[{spelled(place.cells)}]" if place.cells else ""
    return f"{'-' if place.backwards else ''}{_group(place.pieces)}{cells}"


_PIECE = re.compile(r"([A-Za-z]+)(\d*)")
_AXIS = re.compile(
    r"\((?:(?P<before>\d+)\+)?(?P<many>[A-Za-z0-9 ]*?)(?:\+(?P<after>\d+))?\)|(?P<one>[A-Za-z]+\d*)"
)
_RANGE = r"\d+(?:-\d+(?:/[1-9]\d*)?)?"
_GROUP = re.compile(
    r"(?P<turned>-)?(?:\((?P<many>[A-Za-z ]*)\)|(?P<one>[A-Za-z]+))"
    rf"(?:\[(?P<cells>{_RANGE}(?:,{_RANGE})*)\])?"
)


def pieces() -> Iterator[str]:
    """Names for pieces, none of them twice: a, b, ..., z, aa, ..."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from letters
    for first in letters:
        yield from (first + second for second in letters)
