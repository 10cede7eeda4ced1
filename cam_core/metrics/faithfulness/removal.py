"""Insertion and deletion: the score while the hottest cells come or go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..given import as_maps
from ..scoring import BATCH, Score, scores_of
from .masking import Fill, filled, over_channels, ranks, replaced

STEPS = 100
"""The paper has one for each 224 of 224 x 224 cells."""
SIGMA, RADIUS = 5.0, 5
"""Of the blur that insertion starts from: 11 x 11 pixels, as in the paper's code."""


@dataclass(frozen=True)
class ScoreCurve:
    """The score by the share of cells that were put in or taken away."""

    fractions: Array
    """[T], from 0 to 1."""
    scores: Array
    """[N, T]."""

    @property
    def area(self) -> Array:
        """The area under each row by trapezoids [N]: a mean score, in its unit."""
        widths = np.diff(self.fractions)
        found: Array = ((self.scores[:, 1:] + self.scores[:, :-1]) / 2) @ widths
        return found


def deletion(
    x: Array,
    maps: Array,
    score: Score,
    *,
    steps: int = STEPS,
    fill: Fill = 0.0,
    channel_axis: int = 1,
    batch: int = BATCH,
) -> ScoreCurve:
    """The score while the hottest cells are replaced by `fill` (Petsiuk et al. 2018, RISE).

    A low `area` is good. Each step takes ceil(cells / steps), the last what is left: at most
    N (steps + 1) forward passes.

    Args:
        x: [N, C, *S].
        maps: [N, *S], signed ones too; equal cells go row by row.
        score: of one class for all N.
        steps: how often cells are taken.
        fill: what is put in their place; 0 is the mean colour of most preprocessing.
        channel_axis: of x; -1 for [N, *S, C].
        batch: inputs scored at a time.
    """
    return _curve(x, filled(fill, x), maps, score, steps, channel_axis, batch)


def insertion(
    x: Array,
    maps: Array,
    score: Score,
    *,
    steps: int = STEPS,
    start: Fill | None = None,
    channel_axis: int = 1,
    batch: int = BATCH,
) -> ScoreCurve:
    """The score while the hottest cells come back into a blurred input (Petsiuk et al. 2018, RISE).

    A high `area` is good. Forward passes and arguments as for `deletion`.

    Args:
        start: what it starts from; None is `blurred(x)`.
    """
    begun = blurred(x, channel_axis=channel_axis) if start is None else start
    return _curve(filled(begun, x), x, maps, score, steps, channel_axis, batch)


def blurred(
    x: Array, *, sigma: float = SIGMA, radius: int = RADIUS, channel_axis: int = 1
) -> Array:
    """x [N, C, *S] under a Gaussian in each channel, mirrored at the edges."""
    from scipy.ndimage import gaussian_filter

    held = (0, channel_axis % x.ndim)
    axes = tuple(i for i in range(x.ndim) if i not in held)
    found: Array = gaussian_filter(x, sigma, radius=radius, axes=axes)
    return found


def _curve(
    x: Array, other: Array, maps: Array, score: Score, steps: int, axis: int, batch: int
) -> ScoreCurve:
    """From x to the other, the hottest cells first."""
    maps = as_maps(maps)
    over_channels(maps, x, axis)
    if steps < 1:
        raise InputError(f"{steps} steps lead nowhere: 1 or more")
    cells = int(np.prod(maps.shape[1:]))
    each = -(-cells // steps)
    counts = [*range(0, cells, each), cells]
    rows = zip(x, other, ranks(maps), strict=True)
    found = scores_of(score, _changed(rows, counts, axis), batch)
    return ScoreCurve(np.array(counts) / cells, found.reshape(len(x), -1))


def _changed(
    rows: Iterator[tuple[Array, Array, Array]], counts: list[int], axis: int
) -> Iterator[Array]:
    for one, other, rank in rows:
        yield from replaced(one, other, (rank < count for count in counts), axis)
