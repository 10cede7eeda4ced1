"""Remove and debias: the score where cells are replaced by what could have been there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..given import as_maps
from ..scoring import BATCH, Score, scores_of
from .imputation import NOISE, impute
from .masking import over_channels, ranks

PERCENTILES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
Order = Literal["morf", "lerf"]


@dataclass(frozen=True)
class Road:
    """The scores at each percentile: the p-th leaves the p percent that come last.

    At 90 a tenth of the cells is replaced: the hottest (`morf`, most relevant first) or the
    coldest (`lerf`, least relevant first).
    """

    percentiles: tuple[float, ...]
    plain: Array
    """Y [N] of the inputs as they are."""
    morf: Array
    """[N, P]."""
    lerf: Array
    """[N, P]."""

    @property
    def most_first(self) -> Array:
        """mean over p of Y(morf) - Y, [N]: low is good."""
        found: Array = self.morf.mean(axis=1) - self.plain
        return found

    @property
    def least_first(self) -> Array:
        """mean over p of Y(lerf) - Y, [N]: high is good."""
        found: Array = self.lerf.mean(axis=1) - self.plain
        return found

    @property
    def combined(self) -> Array:
        """mean over p of (Y(lerf) - Y(morf)) / 2, [N]: high is good."""
        found: Array = (self.lerf - self.morf).mean(axis=1) / 2
        return found


def road(
    x: Array,
    maps: Array,
    score: Score,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    noise: float = NOISE,
    seed: int = 0,
    channel_axis: int = 1,
    batch: int = BATCH,
) -> Road:
    """The score after noisy linear imputation (Rong et al. 2022), in both orders.

    The percentiles and the combination are pytorch-grad-cam's. Of n cells n - ceil(p (n - 1) / 100)
    are replaced, equal ones row by row: of a map whose lower half is 0 the 10th percentile would
    else be all of it. N (1 + 2 P) forward passes.

    Args:
        x: [N, C, H, W].
        maps: [N, H, W], signed ones too.
        score: of one class for all N.
        percentiles: p, between 0 and 100.
        noise: the standard deviation of the imputation's, in units of x.
        seed: of the noise: the same for each input, order and percentile.
        channel_axis: of x; -1 for [N, H, W, C].
        batch: inputs scored at a time.
    """
    maps = as_maps(maps, rank=2)
    over_channels(maps, x, channel_axis)
    bad = [p for p in percentiles if not 0 < p < 100]
    if bad or not len(percentiles):
        raise InputError(f"percentiles {list(percentiles)}: give some between 0 and 100")
    counts = [replaced_cells(maps[0].size, p) for p in percentiles]
    orders = (ranks(maps), ranks(-maps))
    made = _made(x, orders, counts, noise, seed, channel_axis)
    found = scores_of(score, made, batch).reshape(len(x), 1 + 2 * len(counts))
    plain, morf, lerf = np.split(found, [1, 1 + len(counts)], axis=1)
    return Road(tuple(percentiles), plain[:, 0], morf, lerf)


def replaced_cells(cells: int, percentile: float) -> int:
    """How many of so many cells are at their percentile or beyond, as `numpy.percentile` has it."""
    return cells - int(np.ceil(round(percentile * (cells - 1) / 100, 9)))


def _made(
    x: Array,
    orders: tuple[Array, Array],
    counts: Sequence[int],
    noise: float,
    seed: int,
    channel_axis: int,
) -> Iterator[Array]:
    """Each input, then what becomes of it: by each count in the one order, then in the other."""
    for row, one in enumerate(np.moveaxis(x, channel_axis, 1)):
        yield np.moveaxis(one, 0, channel_axis % x.ndim - 1)
        for order in orders:
            for count in counts:
                rng = np.random.default_rng(seed)
                changed = impute(one, order[row] < count, noise=noise, rng=rng)
                yield np.moveaxis(changed, 0, channel_axis % x.ndim - 1)
