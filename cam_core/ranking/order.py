"""Methods in order by one metric: how sure each place is, and which of them are no worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..metrics.intervals import DRAWS, LEVEL, Interval, mean_interval, paired_difference

ROUNDING = 1e-5
"""Of a number: methods that are the same by their formulas differ by less."""


@dataclass(frozen=True)
class Ranked:
    """One method by one metric."""

    method: str
    mean: Interval | None
    """None: no photo has a number."""
    place: int | None
    """1 of the best and of all that tie with it; then of the best of the rest, one more than there
    are before it."""
    behind: Interval | None
    """By how much it is worse than the best, photo by photo; None of the best itself."""

    @property
    def tied(self) -> bool:
        """Is it no worse than the best, as far as these photos tell?"""
        return self.behind is not None and self.place == 1


def ranked(
    values: Mapping[str, Array],
    better: Literal["higher", "lower"],
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Ranked]:
    """The methods, the best first, those without a number last.

    The order is that of means, each photo's own mean over methods taken off before: where all
    have a number of all photos it is the same order, and else nobody is ahead for having none of a
    hard photo.

    A method ties with the best where the interval of its paired difference to the best holds 0, or
    where too few photos are left to tell: fewer than `fewest(level)`. So do
    the others with the best of those that are left. What ties with it need not tie with what is
    between.

    Args:
        values: by method one number a photo [N], NaN where there is none; the photos are the same.
        better: which way.
        level: of all intervals.
        draws: how often photos are drawn.
        seed: of the draws.

    Raises:
        InputError: not one number a photo, of each method as many.
    """
    if len({np.shape(numbers) for numbers in values.values()}) > 1:
        raise InputError("methods of other photos are not ranked: measure all on the same")
    sign = 1 if better == "lower" else -1
    known = {m: np.asarray(v, np.float64) for m, v in values.items() if not np.isnan(v).all()}
    apart = dict(zip(known, beyond_photos(list(known.values())), strict=True))
    order = sorted(known, key=lambda m: sign * apart[m])

    def behind(method: str, other: str) -> Interval | None:
        pair = sign * known[method], sign * known[other]
        return difference(*pair, level=level, draws=draws, seed=seed)

    def tie(method: str, first: str) -> bool:
        return ties(behind(method, first), level, float(np.nanmax(np.abs(known[first]))))

    places = shared_places(order, tie)
    found = [
        Ranked(
            method,
            mean_interval(known[method], level=level, draws=draws, seed=seed),
            places[method],
            None if method == order[0] else behind(method, order[0]),
        )
        for method in order
    ]
    return [*found, *(Ranked(m, None, None, None) for m in values if m not in known)]


def shared_places(order: Sequence[str], tie: Callable[[str, str], bool]) -> dict[str, int]:
    """The first in order shares its place with all that tie with it, then the first of the rest."""
    places: dict[str, int] = {}
    for first in order:
        if first not in places:
            place = len(places) + 1
            rest = [one for one in order if one not in places]
            places |= {one: place for one in rest if one == first or tie(one, first)}
    return places


def beyond_photos(values: Sequence[Array]) -> list[float]:
    """mean over photos n of v_mn - mean over methods of v_n, for each method m; NaN left out."""
    if not values:
        return []
    numbers = np.stack(values)  # [M, N]
    known = ~np.isnan(numbers)
    counts = known.sum(axis=0)
    of_photo = np.where(known, numbers, 0).sum(axis=0) / np.maximum(counts, 1)
    found: list[float] = np.nanmean(numbers - of_photo, axis=1).tolist()
    return found


def difference(a: Array, b: Array, *, level: float, draws: int, seed: int) -> Interval | None:
    """The interval of the mean of a - b; None where no photo has both numbers."""
    if np.isnan(a - b).all():
        return None
    return paired_difference(a, b, level=level, draws=draws, seed=seed)


def ties(behind: Interval | None, level: float, size: float = 0.0) -> bool:
    """Do these photos leave open whether there is a difference?

    `size`: of the numbers: what is ROUNDING of it is the noise of float32 scores, however steady.
    """
    if behind is None or behind.rows < fewest(level) or behind.low <= 0 <= behind.high:
        return True
    return abs(behind.mean) <= ROUNDING * size


def fewest(level: float) -> int:
    """How many photos it takes to tell two methods apart: the least n with 2 / 2^n <= 1 - level.

    That is the sign test where all n differences point one way. A bootstrap of fewer is sure of
    itself (no draw of equal signs has a mean of another) where it cannot be.
    """
    n = 1
    while 2.0 ** (1 - n) > 1 - level + 1e-12:
        n += 1
    return n
