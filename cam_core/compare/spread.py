"""Numbers of many photos in one: a median with its interval, and what limits are put on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..metrics.intervals import CELLS, DRAWS, LEVEL, MANY, Interval

STATISTICS = ("median", "mean", "min", "max", "p05")
"""Those that are shown; any `pNN` may be asked for."""


@dataclass(frozen=True)
class Statistic:
    """One number of many."""

    name: str

    def __call__(self, values: Sequence[float] | Array) -> float:
        """NaN are left out; NaN where nothing is left.

        Raises:
            InputError: no statistic of that name.
        """
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        if self.name in _PLAIN:
            return float(_PLAIN[self.name](known)) if known.size else float("nan")
        part = re.fullmatch(r"p(\d{1,2})", self.name)
        if part is None:
            raise InputError(
                f"no statistic '{self.name}': there are {', '.join(_PLAIN)}, and p05 and the like"
            )
        return float(np.quantile(known, int(part[1]) / 100)) if known.size else float("nan")


_PLAIN: Mapping[str, Callable[[Array], Any]] = {
    "median": np.median,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}


def median_interval(
    values: Sequence[float] | Array, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The median, and the percentile interval of medians of photos drawn again (Efron 1979).

    NaN are left out and counted.

    Raises:
        InputError: no number at all.
    """
    given = np.asarray(values, np.float64)
    known = given[~np.isnan(given)]
    if not known.size:
        raise InputError("no photo has a number: there is nothing to take a median of")
    left_out = given.size - known.size
    if known.size > MANY:
        return Interval(float(np.median(known)), *_by_ranks(known, level), known.size, left_out)
    rng, at_once = np.random.default_rng(seed), max(1, CELLS // known.size)
    sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    drawn = [
        np.median(known[rng.integers(known.size, size=(n, known.size))], axis=1) for n in sizes
    ]
    low, high = np.quantile(np.concatenate(drawn), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.median(known)), float(low), float(high), known.size, left_out)


def _by_ranks(known: Array, level: float) -> tuple[float, float]:
    """Where the medians of endless draws would lie.

    The median of n uniform ranks is Beta((n + 1) / 2, (n + 1) / 2) of n (Efron 1979, section 3).
    """
    from scipy.special import betaincinv

    n, half = known.size, (known.size + 1) / 2
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    ranks = np.clip(np.ceil(n * betaincinv(half, half, ends)).astype(int) - 1, 0, n - 1)
    low, high = np.partition(known, ranks)[ranks]
    return float(low), float(high)
