"""The classes of both: which rows are compared with which, and whether they are mixed otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from .rows import Rows
from .shift import ROUNDING

LEAST = 5
"""Rows of the baseline that a class has from which on it is compared by itself."""
REST = "all others"
"""Classes with fewer rows on both sides, held together as one."""


@dataclass(frozen=True, eq=False)
class Strata:
    """Rows of both, part by part."""

    log: Array
    """int [n]: the part of each row of the log; -1 of a class that the baseline lacks."""
    baseline: Array
    """The same of the baseline."""
    names: tuple[str, ...]
    """The class of each part, REST the last."""


def strata_of(log: Sequence[str] | None, baseline: Sequence[str] | None) -> Strata | None:
    """By the answer's class; None where one of both does not know it.

    A class of LEAST rows in the baseline is a part, however few the log has of it. What is rare in
    both is one part. What the log has LEAST rows of and the baseline has not is none.
    """
    if log is None or baseline is None:
        return None
    ours, theirs = Counter(log), Counter(baseline)
    large = sorted(name for name in ours if theirs[name] >= LEAST)
    rare = {n for n in {*ours, *theirs} if max(ours[n], theirs[n]) < LEAST}
    places = {n: i for i, n in enumerate(large)} | dict.fromkeys(rare, len(large))
    first, second = ([places.get(name, -1) for name in side] for side in (log, baseline))
    return Strata(np.array(first, int), np.array(second, int), (*large, REST))


def classes_of(log: Rows, baseline: Rows) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    """By number where both have numbers, else by name."""
    if log.classes is not None and baseline.classes is not None:
        return log.classes, baseline.classes
    return log.labels, baseline.labels


def mix_p(log: Sequence[str], baseline: Sequence[str], draws: int, seed: int = 0) -> float:
    """Are the classes mixed otherwise? The p of Pearson's chi-squared under rows dealt out anew.

    chi^2 ~ sum over classes of (x_c - n t_c / t)^2 / t_c, x_c rows in the log, t_c in both.
    """
    ours, theirs = Counter(log), Counter(baseline)
    names = sorted({*ours, *theirs})
    x, rest = (np.array([of[name] for name in names]) for of in (ours, theirs))
    total, n = x + rest, len(log)
    dealt = np.random.default_rng(seed).multivariate_hypergeometric(total, n, size=draws)
    expected = n * total / total.sum()
    found = (((x - expected) ** 2) / total).sum()
    above = ((((dealt - expected) ** 2) / total).sum(axis=1) >= found * (1 - ROUNDING)).sum()
    return float((1 + above) / (draws + 1))
