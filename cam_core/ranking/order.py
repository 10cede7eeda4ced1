"""Methods in order by one metric: how sure each place is, and which of them are no worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..metrics.intervals import DRAWS, LEVEL, Interval, mean_interval, paired_difference


@dataclass(frozen=True)
class Ranked:
    """One method by one metric."""

    method: str
    mean: Interval | None
    """None: no photo has a number."""
    place: int | None
    """1 of the best and of all that tie with it; else one more than there are before it."""
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
    where too few photos are left to tell: fewer than `fewest(level)`. What ties with the best need
    not tie with what is between.

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
    options = {"level": level, "draws": draws, "seed": seed}
    sign = 1 if better == "lower" else -1
    known = {m: np.asarray(v, np.float64) for m, v in values.items() if not np.isnan(v).all()}
    apart = dict(zip(known, beyond_photos(list(known.values())), strict=True))
    order = sorted(known, key=lambda m: sign * apart[m])
    found: list[Ranked] = []
    for position, method in enumerate(order, start=1):
        mean = mean_interval(known[method], **options)  # type: ignore[arg-type]
        pair = (sign * known[method], sign * known[order[0]])
        behind = None if position == 1 else difference(*pair, level=level, draws=draws, seed=seed)
        tied = position == 1 or ties(behind, level)
        found.append(Ranked(method, mean, 1 if tied else position, behind))
    return [*found, *(Ranked(m, None, None, None) for m in values if m not in known)]


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


def ties(behind: Interval | None, level: float) -> bool:
    """Do these photos leave open whether there is a difference?"""
    return behind is None or behind.rows < fewest(level) or behind.low <= 0 <= behind.high


def fewest(level: float) -> int:
    """How many photos it takes to tell two methods apart: the least n with 2 / 2^n <= 1 - level.

    That is the sign test where all n differences point one way. A bootstrap of fewer is sure of
    itself (no draw of equal signs has a mean of another) where it cannot be.
    """
    n = 1
    while 2.0 ** (1 - n) > 1 - level + 1e-12:
        n += 1
    return n
