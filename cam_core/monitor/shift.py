"""Do two sets of rows differ more than two draws of one population do?

The distance of a number is that of Kolmogorov and Smirnov: D = sup |F_log - F_baseline| of its
distribution functions. Rows of the baseline are weighted so that classes are mixed as in the log:
a row of class c counts n_c / (n m_c), of n_c rows in the log and m_c in the baseline. The greatest
D of all numbers is held against that of rows dealt out anew within each class (a permutation test
in strata): without a shift each deal is as likely as what was seen, so that there is a false alarm
in alpha of the logs or fewer, however the numbers hang together and the classes are mixed. Each
number has its p from the same greatest D (Westfall and Young 1993, single step), which holds the
rate over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..backend import Array

CELLS = 4_000_000
"""Dealt out at a time."""
ROUNDING = 1e-9
"""Sums of the same weights in another order are nearer than that."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows of both, sorted once by each number."""

    values: Array
    """[M, J], those of the log first."""
    strata: Array
    """int [M]: 0, 1, ...; in each are rows of both."""
    count: int
    """n, the rows of the log."""
    parts: Array
    """What each stratum was called before."""

    @cached_property
    def own(self) -> Array:
        """bool [M]: is it a row of the log?"""
        found: Array = np.arange(len(self.values)) < self.count
        return found

    @cached_property
    def weights(self) -> Array:
        """Of a row, were it one of the baseline's, [M]."""
        ours = np.bincount(self.strata[self.own], minlength=self.strata.max() + 1)
        theirs = np.bincount(self.strata[~self.own], minlength=len(ours))
        found: Array = (ours / (self.count * theirs))[self.strata]
        return found

    @cached_property
    def sorted(self) -> list[tuple[Array, Array]]:
        """Of each number the order of the rows [M], and where a run of equal ones ends."""
        orders = [np.argsort(column, kind="stable") for column in self.values.T]
        steps = [np.diff(self.values[o, j], append=np.inf) > 0 for j, o in enumerate(orders)]
        return [(o, np.flatnonzero(step)) for o, step in zip(orders, steps, strict=True)]

    def distances(self, own: Array) -> Array:
        """D of each number [B, J], where these rows [B, M] are the log."""
        mass = np.where(own, 1 / self.count, -self.weights)
        found = [np.abs(np.cumsum(mass[:, o], axis=1)[:, ends]) for o, ends in self.sorted]
        return np.stack([of.max(axis=1) for of in found], axis=1)

    def dealt(self, draws: int, rng: np.random.Generator) -> Array:
        """Which rows are the log [B, M], dealt out anew within each stratum."""
        found = np.zeros((draws, len(self.values)), bool)
        for stratum in range(int(self.strata.max()) + 1):
            rows = np.flatnonzero(self.strata == stratum)
            found[:, rows] = rng.permuted(np.tile(self.own[rows], (draws, 1)), axis=1)
        return found


@dataclass(frozen=True, eq=False)
class Shift:
    """What comes of it."""

    distances: Array
    """D of each number [J]."""
    p: Array
    """Of each [J], corrected for their number; the least of them is that of the whole."""
    seen: float
    """The D above which there would have been an alarm."""


def shift(pool: Pool, alpha: float, draws: int, seed: int = 0) -> Shift:
    """The test.

    Args:
        pool: the rows.
        alpha: the rate of false alarms; alpha (draws + 1) is best a whole number.
        draws: how often rows are dealt out anew.
        seed: of the deals.
    """
    found = pool.distances(pool.own[None])[0]
    greatest = np.concatenate([of.max(axis=1) for of in _dealt_distances(pool, draws, seed)])
    above = (greatest[:, None] >= found - ROUNDING).sum(axis=0)
    p: Array = (1 + above) / (draws + 1)
    last = max(1, int(alpha * (draws + 1) + ROUNDING))
    return Shift(found, p, float(np.sort(greatest)[-last]))


def _dealt_distances(pool: Pool, draws: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    at_once = max(1, CELLS // len(pool.values))
    for start in range(0, draws, at_once):
        yield pool.distances(pool.dealt(min(at_once, draws - start), rng))


def draws_for(alpha: float) -> int:
    """Enough deals that ten of them lie beyond alpha, and that alpha is met."""
    return max(199, round(10 / alpha) - 1)
