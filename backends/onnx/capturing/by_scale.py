"""Back through the heads of those scales alone that a target is about, and there by windows.

What lies between the ends of the heads and the joined tensor only puts numbers elsewhere: it is run
once, on the numbers of the cells, and cotangents are put back where it says.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from cam_core.backend import Array

from ..finding.joint import Scale
from ..running.ort_values import array_of
from ..running.runtime import run
from .scales import Scales
from .sessions import Kept, kept_of
from .windows import Block, Entries, Opened, Windowed, all_of, entries


class ByScale:
    """The forward model of a detector, and what runs back to each of its scales.

    Args:
        plan: the models.
        opened: opens a session.
        small: opens one for a window.
    """

    def __init__(self, plan: Scales, opened: Opened, small: Opened) -> None:
        self.plan, self._opened = plan, opened
        self.front = opened(plan.forward)
        tail, joined = plan.tail, plan.joint.joined
        self._tail = None
        if tail is not None:
            ends = {plan.score: tail.score}
            self._tail = Windowed(joined, tail.axes, ends, tail.make, opened, small)
        self._heads = {
            s.layer: Windowed(s.layer, s.axes, s.ends, plan.heads[s.layer], opened, small)
            for s in plan.joint.scales
        }
        self._links: dict[str, Any] = {}
        self._origins: dict[int, Array] = {}

    def forward(self, parts: Sequence[Mapping[str, Array]], inputs: Collection[str] = ()) -> Kept:
        """The model's outputs, the score, the layers and what joins them, of each batch.

        Args:
            parts: the batches.
            inputs: those that must be kept besides.
        """
        return kept_of(self.front, parts, {*self.plan.fetched, *inputs})

    def backward(self, kept: Kept, cotangent: Array | Entries) -> dict[str, Array]:
        """The gradients by the name of their tensor; several batches are one row each."""
        few = cotangent if isinstance(cotangent, Entries) else entries(cotangent)
        (found,) = self.backward_all(kept, [few])
        return {name: block.whole() for name, block in found.items()}

    def backward_all(self, kept: Kept, several: Sequence[Entries]) -> list[dict[str, Block]]:
        """The same of several cotangents; windows of one size run together."""
        if len(kept) == 1:
            return self._back(kept[0], several)
        each = [
            self._back(values, [one.row(i) for one in several]) for i, values in enumerate(kept)
        ]
        return [_rows_joined(rows) for rows in zip(*each, strict=True)]

    def _back(
        self, values: Mapping[str, Any], several: Sequence[Entries]
    ) -> list[dict[str, Block]]:
        at_ends = self._at_ends(values, several)
        own: list[dict[str, Block]] = [{} for _ in several]
        for scale in self.plan.joint.scales:
            mine = {i: ends for i, one in enumerate(at_ends) if (ends := self._of(scale, one))}
            if mine:
                A = array_of(values[scale.layer])
                blocks = self._heads[scale.layer].pull_all(A, list(mine.values()))
                for i, block in zip(mine, blocks, strict=True):
                    own[i][scale.layer] = block
        return [self._with_links(values, found) for found in own]

    def _of(self, scale: Scale, at_ends: Mapping[str, Entries]) -> dict[str, Entries]:
        """Those of a scale, 0 at an end that gets none (saturated); {} where none gets any."""
        mine = {name: at_ends[name] for name in scale.ends if name in at_ends}
        for name in scale.ends if mine else ():
            if name not in mine:
                like = next(iter(mine.values()))
                shape = self.plan.shape(name, like.shape[0])
                mine[name] = Entries(like.at[:0], like.values[:0], shape)
        return mine

    def _with_links(self, values: Mapping[str, Any], own: Mapping[str, Block]) -> dict[str, Block]:
        """With what a layer gets by way of later ones; 0 of one that gets nothing."""
        found = dict(own)
        for layer, later in list(self._linked(values, own)):
            found[layer] = all_of(found[layer].whole() + later if layer in found else later)
        layers = [scale.layer for scale in self.plan.joint.scales]
        return {
            layer: found[layer] if layer in found else all_of(_zero(values[layer]))
            for layer in layers
        }

    def _at_ends(
        self, values: Mapping[str, Any], several: Sequence[Entries]
    ) -> list[dict[str, Entries]]:
        """The cotangents of the ends, each with those of its scale or without."""
        rows = several[0].shape[0]
        shapes = {name: self.plan.shape(name, rows) for name in self.plan.joint.ends}
        if rows not in self._origins:
            self._origins[rows] = self._origin(shapes)
        origin, asked = self._origins[rows], [one for one in several if one.at.size]
        if self._tail is None:
            at_joined = [(origin.ravel()[one.at], one.values) for one in asked]
        else:
            joined = array_of(values[self.plan.joint.joined])
            blocks = self._tail.pull_all(joined, [{self.plan.score: one} for one in asked])
            at_joined = [
                _lit(origin[block.place].ravel(), block.values.ravel()) for block in blocks
            ]
        found = iter(dict(_parted(at, numbers, shapes)) for at, numbers in at_joined)
        return [next(found) if one.at.size else {} for one in several]

    def _origin(self, shapes: Mapping[str, tuple[int, ...]]) -> Array:
        """Which cell of the ends each one of the joined tensor is, counted on from end to end."""
        cells, first = {}, 0
        for name, shape in shapes.items():
            cells[name] = np.arange(first, first + prod(shape)).reshape(shape)
            first += prod(shape)
        found: Array = run(self._opened(self.plan.moves), [self.plan.joint.joined], cells)[0]
        return found

    def _linked(
        self, values: Mapping[str, Any], own: Mapping[str, Block]
    ) -> Iterator[tuple[str, Array]]:
        """(layer, what later layers that have a gradient add to its own)."""
        for layer, link in self.plan.links.items():
            if own.keys().isdisjoint(link.cotangents):
                continue
            if layer not in self._links:
                self._links[layer] = self._opened(link.model)
            session = self._links[layer]
            feed = {
                place: own[name].whole() if name in own else np.zeros_like(array_of(values[name]))
                for name, place in link.cotangents.items()
            }
            read = [i.name for i in session.get_inputs() if i.name not in feed]
            feed |= {name: array_of(values[name]) for name in read}
            yield layer, run(session, [link.gradients[layer]], feed)[0]


def _lit(at: Array, numbers: Array) -> tuple[Array, Array]:
    """Those that are not zero."""
    lit = numbers != 0
    return at[lit], numbers[lit]


def _rows_joined(rows: Sequence[Mapping[str, Block]]) -> dict[str, Block]:
    """Those of several batches, which are a row each."""
    return {name: all_of(np.concatenate([row[name].whole() for row in rows])) for name in rows[0]}


def _parted(
    at: Array, numbers: Array, shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, Entries]]:
    """Of numbers that are counted on from tensor to tensor, those of each that has any."""
    names, sizes = list(shapes), [prod(shape) for shape in shapes.values()]
    ends = np.cumsum(sizes)
    which = np.searchsorted(ends, at, side="right")
    for i in set(which.tolist()):
        mine = which == i
        yield names[i], Entries(at[mine] - (ends[i] - sizes[i]), numbers[mine], shapes[names[i]])


def _zero(like: Any) -> Array:
    """0 everywhere, in no memory."""
    A = array_of(like)
    return _nothing(A.shape, A.dtype)


@functools.lru_cache(maxsize=64)
def _nothing(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.broadcast_to(np.zeros((), dtype), shape)
