"""A log against its baseline as numbers, ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import Array
from ..maps.stats import STATS
from .mix import Strata
from .monitoring import Monitored
from .rows import Rows
from .shift import ROUNDING, Pool
from .words import line, said, word

FORMAT = 1
SHOWN = 20
"""Classes that are told, those that moved farthest first."""


def record(found: Monitored) -> dict[str, Any]:
    """All of it."""
    return {
        "command": "monitor",
        "format": FORMAT,
        "verdict": {"word": word(found), "line": line(found)},
        "said": said(found),
        "log": found.log.where,
        "baseline": found.baseline.where,
        "alpha": found.alpha,
        "every": found.every,
        "rows": {
            "log": len(found.log),
            "baseline": len(found.baseline),
            "compared": found.count,
            "needed": None if np.isinf(found.needed) else int(found.needed),
        },
        "p": None if found.shift is None else float(found.shift.p.min()),
        "seen": None if found.shift is None else found.shift.seen,
        "mix": found.mix,
        "numbers": numbers(found),
        "classes": classes(found),
    }


def numbers(found: Monitored) -> list[dict[str, Any]]:
    """A row a number: medians, the baseline's with the classes mixed as in the log."""
    pool, of = found.pool, found.shift
    if pool is None or of is None:
        return []
    return [
        {
            "name": name,
            "unit": STATS[name].unit,
            "summary": STATS[name].summary,
            "then": median(pool.values[~pool.own, j], pool.weights[~pool.own]),
            "now": median(pool.values[pool.own, j]),
            "distance": float(of.distances[j]),
            "p": float(of.p[j]),
            "moved": bool(of.p[j] <= found.alpha),
        }
        for j, name in enumerate(found.names)
    ]


def classes(found: Monitored) -> list[dict[str, Any]]:
    """Class by class the number that moved farthest: where to look, no test of its own."""
    if found.pool is None or found.strata is None:
        return []
    pool, names = found.pool, _names(found.strata, found.baseline, found.pool.parts)
    rows = [_class(found, pool, stratum, name) for stratum, name in enumerate(names)]
    return sorted(rows, key=lambda row: -float(row["lies_off"]))[:SHOWN]


def _names(strata: Strata, baseline: Rows, parts: Array) -> list[str]:
    """What the classes of the pool's strata are called."""
    labels = dict(zip(baseline.classes or (), baseline.labels or (), strict=False))
    return [labels.get(strata.names[i]) or strata.names[i] for i in parts]


def _class(found: Monitored, pool: Pool, stratum: int, name: str) -> dict[str, Any]:
    within = pool.strata == stratum
    n = int((within & pool.own).sum())
    one = Pool(pool.values[within], np.zeros(int(within.sum()), int), n, pool.parts[[stratum]])
    of = one.distances(one.own[None])[0]
    j, m = int(of.argmax()), len(one.values) - n
    return {
        "class": name,
        "rows": n,
        "baseline_rows": m,
        "number": found.names[j],
        "then": median(one.values[~one.own, j]),
        "now": median(one.values[one.own, j]),
        "distance": float(of[j]),
        "lies_off": float(of[j] * np.sqrt(n * m / (n + m))),
    }


def median(values: Array, weights: Array | None = None) -> float:
    """The least value with half of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    mass = np.ones(len(values)) if weights is None else weights[order]
    reached = np.cumsum(mass) >= mass.sum() / 2 * (1 - ROUNDING)
    return float(values[order][int(reached.argmax())])
