"""A log against a baseline: has what a model looks at shifted, though no picture was kept?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from .baseline import read_baseline, require_same
from .logs import read_log
from .mix import Strata, classes_of, mix_p, strata_of
from .needed import rows_needed
from .rows import Rows
from .sequence import apart, without_class_means
from .shift import Pool, Shift, draws_for, shift

ALPHA = 0.01
LOWEST, HIGHEST = 1e-4, 0.5
"""Between which alpha lies: each further nought takes ten times the deals."""
MOST = 20_000
"""Rows of a side that are compared, drawn from all: more see what nobody minds."""


@dataclass(frozen=True, eq=False)
class Monitored:
    """What comes of it."""

    log: Rows
    """As it was read, or every so many of it."""
    baseline: Rows
    names: tuple[str, ...]
    """The numbers that both have."""
    alpha: float
    pool: Pool | None
    """What was compared; None where there is nothing."""
    strata: Strata | None
    """The rows' classes; None where one of both does not know them."""
    shift: Shift | None
    mix: float | None
    """The p of the classes being mixed as before."""
    needed: float
    """Rows of the log from which on silence says something."""
    every: int
    """Of so many rows in sequence one was taken."""
    alike: int
    """Of so many one should be: 1 where neighbours are not alike."""

    @property
    def count(self) -> int:
        """Rows of the log that were compared."""
        return 0 if self.pool is None else self.pool.count

    @property
    def alarm(self) -> bool | None:
        """Has attention shifted? None: nobody can say."""
        if self.shift is None:
            return None
        if self.shift.p.min() <= self.alpha:
            return True
        return None if self.count < self.needed else False

    @property
    def moved(self) -> list[str]:
        """The numbers that have, the farthest first."""
        if self.shift is None:
            return []
        order = np.argsort(-self.shift.distances, kind="stable")
        return [self.names[i] for i in order if self.shift.p[i] <= self.alpha]

    @property
    def remixed(self) -> bool:
        """Are the answers mixed otherwise?"""
        return self.mix is not None and self.mix <= self.alpha

    def values(self, metric: str) -> Array:
        """What a limit is put on: a number's rows in the log, or a row of RESULTS."""
        if metric in self.log.names:
            return self.log.of(metric)
        found = RESULTS[metric](self) if metric in RESULTS else np.zeros(0)
        return np.atleast_1d(np.asarray(found, np.float64))


RESULTS: Mapping[str, Callable[[Monitored], Any]] = {
    "alarm": lambda of: np.nan if of.alarm is None else of.alarm,
    "shift": lambda of: np.nan if of.shift is None else of.shift.distances,
    "p": lambda of: np.nan if of.shift is None else of.shift.p,
    "mix": lambda of: np.nan if of.mix is None else of.mix,
}
"""Numbers of a whole log that limits may be put on."""


def monitor(
    log: str | Path | Rows,
    baseline: str | Path | Rows,
    *,
    alpha: float = ALPHA,
    every: int = 1,
    by_class: bool = True,
    seed: int = 0,
) -> Monitored:
    """Compares the numbers of maps that a device logged with those of an audit.

    Args:
        log: CSV, JSON lines, Parquet, `.npz`, or a folder of recordings.
        baseline: the folder of a report of `gradcam audit`, or another log.
        alpha: how often there is an alarm though nothing has changed.
        every: of so many rows in sequence one is taken, where neighbours are alike.
        by_class: compare class by class where both know the answer, so that another mix of answers
            is no shift.
        seed: of what is dealt out anew.

    Raises:
        InputError: one cannot be read, they are of two models, layers or methods, or have no number
            in common.
    """
    _require_alpha(alpha)
    ours = log if isinstance(log, Rows) else read_log(log)
    theirs = baseline if isinstance(baseline, Rows) else read_baseline(baseline)
    require_same(ours, theirs)
    names = tuple(name for name in ours.names if name in theirs.names)
    if not names:
        raise InputError(f"'{ours.where}' and '{theirs.where}' have no number in common")
    if every > 1:
        ours = ours.taken(np.arange(0, len(ours), every))
    classes = classes_of(ours, theirs) if by_class else (None, None)
    strata, draws = strata_of(*classes), draws_for(alpha)
    pool = pooled(ours, theirs, names, strata, seed)
    known = classes[0] is not None and classes[1] is not None
    return Monitored(
        *(ours, theirs, names, alpha, pool, strata),
        shift=None if pool is None else shift(pool, alpha, draws, seed),
        mix=mix_p(classes[0], classes[1], draws, seed) if known and len(ours) else None,  # type: ignore[arg-type]
        needed=rows_needed(len(theirs), alpha, len(names)),
        every=every,
        alike=alike(ours, names, strata),
    )


def pooled(
    log: Rows, baseline: Rows, names: tuple[str, ...], strata: Strata | None, seed: int
) -> Pool | None:
    """The rows of both that are compared; None where one has none of a class of the other."""
    parts = [np.zeros(len(of), int) for of in (log, baseline)]
    if strata is not None:
        parts = [strata.log, strata.baseline]
    rng = np.random.default_rng(seed)
    ours, theirs = (drawn(part, rng) for part in parts)
    held = np.intersect1d(parts[0][ours], parts[1][theirs])  # a draw may lose a small part
    if not held.size:
        return None
    ours, theirs = (p[np.isin(of[p], held)] for p, of in zip((ours, theirs), parts, strict=True))
    numbers = np.concatenate([parts[0][ours], parts[1][theirs]])
    values = [
        np.concatenate([log.of(name)[ours], baseline.of(name)[theirs]]).astype(np.float64)
        for name in names
    ]
    return Pool(np.stack(values, axis=1), np.searchsorted(held, numbers), len(ours), held)


def drawn(part: Array, rng: np.random.Generator) -> Array:
    """Which rows are compared: those of a stratum, MOST of them."""
    places: Array = np.flatnonzero(part >= 0)
    return places if len(places) <= MOST else np.sort(rng.choice(places, MOST, replace=False))


def alike(log: Rows, names: tuple[str, ...], strata: Strata | None) -> int:
    """Of how many rows in sequence one is to be taken."""
    values = np.stack([log.of(name) for name in names], axis=1)
    return apart(values if strata is None else without_class_means(values, strata.log))


def _require_alpha(alpha: float) -> None:
    if not LOWEST <= alpha <= HIGHEST:
        raise InputError(f"alpha {alpha:g}: a rate of false alarms from {LOWEST:g} to {HIGHEST:g}")
