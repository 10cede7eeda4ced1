"""Random directions in the space of A, in which equal numbers may be kept equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from .levels import levels

ALONG, RANDOM, LEVELLED = KINDS = "along", "at random", "levelled"
"""Directions: with the signs of G, where a factor shows best; with any, where what is missing
shows; with the signs of G and further where it is small, so that a small part shows."""


@dataclass(frozen=True)
class Moves:
    """Which cells move, and which move as one."""

    groups: Array
    """For each cell of A [N, K, *S] the number of its group."""
    free: Array
    """For each group: may it move? [groups]"""
    how: str = ""
    """Said of it; '' where every cell moves by itself."""

    def direction(self, rng: np.random.Generator, G: Array, kind: str) -> Array:
        """d [N, K, *S], normal numbers; all of G adds up along them, but for those at random."""
        steps: Array = rng.standard_normal(len(self.free)) * self.free
        if kind != RANDOM:
            sums = self._sums(G)
            steps = np.where(sums == 0, steps, np.abs(steps) * np.sign(sums))
        if kind == LEVELLED:
            steps = steps * self._sums(levels(G)) / np.bincount(self.groups.ravel())
        return steps[self.groups]

    def _sums(self, of: Array) -> Array:
        """[groups]"""
        cells = of.ravel().astype(np.float64)
        return np.bincount(self.groups.ravel(), cells, len(self.free))


def all_moves(A: Array) -> Iterator[Moves]:
    """Every cell by itself; equal numbers of a channel together; equal numbers not at all.

    Cells that are equal may be ties of a maximum further on, and a constant that a rectifier or a
    bound leaves in many of them may be where the next one has its kink.
    """
    yield Moves(np.arange(A.size).reshape(A.shape), np.ones(A.size, bool))
    if not has_ties(A):
        return
    groups = equal_numbers(A)
    alone = np.bincount(groups.ravel()) == 1
    yield Moves(groups, np.ones(len(alone), bool), "equal numbers moved together")
    if alone.any():
        yield Moves(groups, alone, "equal numbers held")


def has_ties(A: Array) -> bool:
    """Are any neighbours equal? Of many numbers some are so anywhere, by chance."""
    axes = range(2, A.ndim)
    return any(bool(np.any(np.diff(A, axis=axis) == 0)) for axis in axes)


def equal_numbers(A: Array) -> Array:
    """For each cell of A [N, K, *S] a number that the equal cells of its row and channel share."""
    flat = A.reshape(*A.shape[:2], -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    ranked = np.take_along_axis(flat, order, -1)
    fresh = np.ones(ranked.shape, bool)
    fresh[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    numbers = np.cumsum(fresh.ravel()).reshape(ranked.shape) - 1
    groups = np.empty_like(numbers)
    np.put_along_axis(groups, order, numbers, -1)
    return groups.reshape(A.shape)
