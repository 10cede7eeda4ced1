"""One way back through a part whose cells are made of near ones: where a cotangent is, and no more.

A cotangent of few cells comes from few cells. Of what a cell is made of, all is in a window around
it; what convolutions pad at the window's border has no part in that cell, and where the window
touches the border of the whole they pad what they pad there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx

from cam_core.backend import Array

from ..finding.near import Near
from ..running.runtime import run
from .part import Part

ROWS = "rows"
Sizes = tuple[int | str, ...]
"""Of a window, on each axis; `ROWS` on that of the rows: as many as there are windows."""
Make = Callable[[Sizes | None], Part]
"""The part for a window of that size; None: for all that is given."""
Window = tuple[tuple[int, int], ...]
"""(start, size) on each axis."""
Opened = Callable[[onnx.ModelProto], Any]
"""Opens a session."""


@dataclass(frozen=True)
class Entries:
    """The numbers of a tensor that are not zero."""

    at: Array
    """Where they are, row-major."""
    values: Array
    shape: tuple[int, ...]

    @functools.cached_property
    def index(self) -> tuple[Array, ...]:
        """Where they are, on each axis."""
        return np.unravel_index(self.at, self.shape)

    @functools.cached_property
    def ends(self) -> tuple[tuple[int, int], ...]:
        """The first and the last place where one is, on each axis."""
        if self.at.size == 1:  # those of a box
            return tuple((int(i[0]),) * 2 for i in self.index)
        return tuple((int(i.min()), int(i.max())) for i in self.index)

    def row(self, number: int) -> Entries:
        """Those of one row, which is a batch."""
        shape = (1, *self.shape[1:])
        at = self.at - number * prod(shape)
        mine = (at >= 0) & (at < prod(shape))
        return Entries(at[mine], self.values[mine], shape)


@dataclass(frozen=True)
class Block:
    """Numbers of a tensor, around which it is zero."""

    values: Array
    place: tuple[slice, ...]
    shape: tuple[int, ...]

    @property
    def all(self) -> bool:
        """Is nothing around it?"""
        return tuple(self.values.shape) == self.shape

    def whole(self) -> Array:
        """The tensor."""
        if self.all:
            return self.values
        found = np.zeros(self.shape, self.values.dtype)
        found[self.place] = self.values
        return found


def all_of(values: Array) -> Block:
    """A whole tensor as its own block."""
    return Block(values, tuple(slice(0, extent) for extent in values.shape), values.shape)


def entries(values: Array) -> Entries:
    """Those of a whole tensor."""
    flat = values.ravel()
    at = np.flatnonzero(flat != 0)  # of booleans many times as fast
    return Entries(at, flat[at], values.shape)


class Windowed:
    """A part from one tensor to its ends.

    Args:
        given: the tensor.
        axes: along which it is cut; windows of one size run together where 0, the rows, is one.
        ends: each with where its cells lie.
        make: the part.
        opened: opens a session.
        small: opens one for a window, which is not worth more than a thread.
    """

    def __init__(
        self,
        given: str,
        axes: Sequence[int],
        ends: Mapping[str, Near],
        make: Make,
        opened: Opened,
        small: Opened,
    ) -> None:
        self._given, self._axes, self._ends, self._make = given, tuple(axes), ends, make
        self._opened, self._small = opened, small
        self.reach = tuple(map(max, zip(*(end.reach for end in ends.values()), strict=True)))
        self._sessions: dict[Sizes | None, tuple[Part, Any, frozenset[str]]] = {}

    def pull(self, values: Array, cotangents: Mapping[str, Entries]) -> Block:
        """The cotangent of the tensor, which has these values.

        Args:
            values: of the tensor.
            cotangents: by end, all of them.
        """
        return self.pull_all(values, [cotangents])[0]

    def pull_all(self, values: Array, several: Sequence[Mapping[str, Entries]]) -> list[Block]:
        """The same of each of several, those in windows of one size by one run."""
        windows = [self.window(values.shape, one) for one in several]
        found: dict[int, Block] = {}
        for mine in self._together(windows, values.shape).values():
            here = [windows[i] for i in mine]
            blocks = self._run(values, here, [several[i] for i in mine])
            found |= dict(zip(mine, blocks, strict=True))
        return [found[i] for i in range(len(several))]

    def _together(self, windows: Sequence[Window], shape: Sequence[int]) -> dict[Any, list[int]]:
        """The numbers of those that run together."""
        found: dict[Any, list[int]] = {}
        for i, window in enumerate(windows):
            sizes = tuple(size for _, size in window)
            alone = self._axes[0] != 0 or self._key(sizes, shape) is None
            found.setdefault((sizes, i if alone else None), []).append(i)
        return found

    def _run(
        self, values: Array, windows: Sequence[Window], cotangents: Sequence[Mapping[str, Entries]]
    ) -> list[Block]:
        """One run of windows of one size, a row each where there are several."""
        sizes: Sizes = tuple(size for _, size in windows[0])
        if len(windows) > 1:
            sizes = (ROWS, *sizes[1:])
        made, session, wanted = self._session(sizes, values.shape)
        places = [self._place(window, values.shape) for window in windows]
        feed = {}
        if self._given in wanted:
            feed[self._given] = _stacked([values[place] for place in places])
        for name, input_name in made.cotangents.items():
            if input_name in wanted:
                each = zip(cotangents, windows, strict=True)
                axes = self._ends[name].axes
                feed[input_name] = _stacked(
                    [_within(one[name], axes, w) for one, w in each], axes[0]
                )
        (found,) = run(session, [made.gradients[self._given]], feed)
        rows = [found] if len(windows) == 1 else [found[i : i + 1] for i in range(len(windows))]
        return [Block(row, place, values.shape) for row, place in zip(rows, places, strict=True)]

    def _place(self, window: Window, shape: Sequence[int]) -> tuple[slice, ...]:
        """A window of the tensor."""
        place = [slice(0, extent) for extent in shape]
        for axis, (start, size) in zip(self._axes, window, strict=True):
            place[axis] = slice(start, start + size)
        return tuple(place)

    def window(self, shape: Sequence[int], cotangents: Mapping[str, Entries]) -> Window:
        """Where it lies; all of it where the cotangents need more than one cell's."""
        extents = [shape[axis] for axis in self._axes]
        low, high = self._bounds(cotangents)
        sizes = [min(2 * r + 1, e) for r, e in zip(self.reach, extents, strict=True)]
        fits = all(
            a == b or size == e for a, b, size, e in zip(low, high, sizes, extents, strict=True)
        )
        if not fits:
            return tuple((0, extent) for extent in extents)
        starts = [
            min(max(a - r, 0), e - size)
            for a, r, e, size in zip(low, self.reach, extents, sizes, strict=True)
        ]
        return tuple(zip(starts, sizes, strict=True))

    def _bounds(self, cotangents: Mapping[str, Entries]) -> tuple[list[int], list[int]]:
        """The first and the last cell, on each axis, where a cotangent is."""
        each = []
        for name, found in cotangents.items():
            if found.at.size:
                each.append([found.ends[axis] for axis in self._ends[name].axes])
        along = [tuple(zip(*ends, strict=True)) for ends in zip(*each, strict=True)]
        return [min(low) for low, _ in along], [max(high) for _, high in along]

    def _key(self, sizes: Sizes, shape: Sequence[int]) -> Sizes | None:
        """The size of a window, None if it is all there is."""
        return None if sizes == tuple(shape[axis] for axis in self._axes) else sizes

    def _session(self, sizes: Sizes, shape: Sequence[int]) -> tuple[Part, Any, frozenset[str]]:
        """The part for a window of that size, opened when first needed, and what it takes."""
        key = self._key(sizes, shape)
        if key not in self._sessions:
            made, opened = self._make(key), self._opened if key is None else self._small
            session = opened(made.model)
            taken = frozenset(i.name for i in session.get_inputs())
            self._sessions[key] = made, session, taken
        return self._sessions[key]


def _stacked(rows: Sequence[Array], axis: int = 0) -> Array:
    """One after another, on the axis of the rows."""
    return np.ascontiguousarray(rows[0]) if len(rows) == 1 else np.concatenate(rows, axis)


def _within(found: Entries, axes: Sequence[int], window: Window) -> Array:
    """The tensor in a window."""
    index, shape = list(found.index), list(found.shape)
    for axis, (start, size) in zip(axes, window, strict=True):
        index[axis], shape[axis] = index[axis] - start, size
    values = np.zeros(shape, found.values.dtype)
    np.add.at(values, tuple(index), found.values)
    return values
