"""How sure a mean over photos is: bootstrap intervals of means and of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import InputError

LEVEL, DRAWS = 0.95, 10_000
CELLS = 10_000_000
"""Drawn at a time."""
MANY = 2_000
"""Of more rows than that the draws are not made one by one."""
FAR = 200
"""Rows that are drawn by themselves even then: those furthest from the mean."""


@dataclass(frozen=True)
class Interval:
    """A mean, and where it would lie with other photos of the same kind."""

    mean: float
    low: float
    high: float
    rows: int
    """How many it is of."""
    left_out: int = 0
    """How many more had no number (NaN), such as maps without heat."""

    def __str__(self) -> str:
        """`0.62 [0.55, 0.69] of 64`."""
        besides = f", {self.left_out} without a number" if self.left_out else ""
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}] of {self.rows}{besides}"


def mean_interval(
    values: Array | Sequence[float], *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The percentile interval of the mean, rows drawn again with repetition (Efron 1979).

    Args:
        values: [N], one a photo; NaN are left out and counted.
        level: the share of draws whose mean lies within.
        draws: how often N rows are drawn.
        seed: of the draws.

    Raises:
        InputError: no number at all, an infinite one, or a level outside (0, 1).
    """
    given = np.asarray(values, np.float64)
    known = given[~np.isnan(given)]
    if given.ndim != 1 or not known.size:
        raise InputError(f"no mean of values of shape {given.shape}: give one number a photo, [N]")
    if np.isinf(known).any():
        raise InputError("no mean of inf: look at that photo's map and score")
    if not 0 < level < 1:
        raise InputError(f"level {level:g} is no share of draws: it is above 0 and below 1")
    means = _drawn_means(known, draws, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        float(known.mean()), float(low), float(high), known.size, given.size - known.size
    )


def paired_difference(
    a: Array | Sequence[float],
    b: Array | Sequence[float],
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The interval of the mean of a - b, photo by photo: above 0, a is larger.

    Photos differ more than methods do, so rows stay together: drawn apart, the interval would be
    wider. A row counts where both have a number.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise InputError(f"{first.shape} and {second.shape} values are no pairs: one a photo each")
    return mean_interval(first - second, level=level, draws=draws, seed=seed)


def _drawn_means(values: Array, draws: int, rng: np.random.Generator) -> Array:
    """[draws], a limited number of cells at a time; of MANY rows as `_means_of_many`."""
    if values.size > MANY:
        return _means_of_many(values, draws, rng)
    at_once = max(1, CELLS // values.size)
    sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    return np.concatenate(
        [values[rng.integers(values.size, size=(n, values.size))].mean(axis=1) for n in sizes]
    )


def _means_of_many(values: Array, draws: int, rng: np.random.Generator) -> Array:
    """The same distribution, [draws], at a cost that does not grow with draws times rows.

    How often each of the FAR rows is drawn, which make the tails, is a multinomial number. Of the
    rest, so many that no one counts, the mean of m draws is normal: mean mu, variance s^2 / m.
    """
    distance = np.abs(values - values.mean())
    far = np.argpartition(distance, values.size - FAR)[-FAR:]
    rest = np.delete(values, far)
    shares = np.append(np.full(FAR, 1 / values.size), rest.size / values.size)
    counts = rng.multinomial(values.size, shares, size=draws)
    m = counts[:, -1]
    drawn: Array = m * rest.mean() + rest.std() * np.sqrt(m) * rng.standard_normal(draws)
    return (counts[:, :-1] @ values[far] + drawn) / values.size
