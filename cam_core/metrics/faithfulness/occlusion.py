"""Occlusion: which patches move the score, and whether a map is hot there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..agreement import spearman
from ..given import as_maps
from ..scoring import BATCH, Score, scores_of
from .masking import Fill, filled, replaced

PARTS = 8
"""Patches along the shorter side, where no size is given."""


@dataclass(frozen=True)
class Occlusion:
    """What each patch takes from the score."""

    drops: Array
    """Y - Y(occluded) [N, *G], by the place of the patch."""
    patch: int
    """Its side in cells."""
    stride: int
    """From one patch to the next."""
    size: tuple[int, ...]
    """Of the input, [*S]."""

    def correlation(self, maps: Array) -> Array:
        """Spearman's rank correlation [N] of the drops with the map's mean in each patch.

        "Patches which change the CNN score are also patches to which Grad-CAM assigns high
        intensity": Selvaraju et al. 2017, section 5.3.

        Args:
            maps: [N, *S] at the input's size, signed ones too.

        Returns:
            Float64 [N] in [-1, 1]; NaN where the map, or the drops, are the same everywhere.
        """
        maps = as_maps(maps, rank=len(self.size))
        if maps.shape[1:] != self.size:
            raise InputError(
                f"maps of {maps.shape[1:]} do not lie over the input of {self.size}: bring them "
                "to its size, as `heatmap(size)` does"
            )
        means = [maps[(slice(None), *at)] for at in places(self.size, self.patch, self.stride)]
        pooled = np.stack([m.reshape(len(maps), -1).mean(axis=1) for m in means], axis=1)
        return spearman(self.drops, pooled.reshape(self.drops.shape))


def occlusion(
    x: Array,
    score: Score,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: Fill = 0.0,
    channel_axis: int = 1,
    batch: int = BATCH,
) -> Occlusion:
    """Y - Y with a patch replaced by `fill`, patch by patch (Zeiler and Fergus 2014, section 4.2).

    N (1 + patches) forward passes.

    Args:
        x: [N, C, *S].
        score: of one class for all N.
        patch: its side in cells; None is an eighth of the shorter side of x.
        stride: from one patch to the next; None is the patch, so that they tile x. The last along
            an axis ends where x does.
        fill: what covers it; 0 is the mean colour of most preprocessing.
        channel_axis: of x; -1 for [N, *S, C].
        batch: inputs scored at a time.
    """
    size = np.moveaxis(x, channel_axis, 1).shape[2:]
    side = max(1, min(size) // PARTS) if patch is None else patch
    step = side if stride is None else stride
    if not 0 < side <= min(size) or step < 1:
        raise InputError(f"a patch of {side} each {step} cells does not fit inputs of {size}")
    found = scores_of(score, _occluded(x, filled(fill, x), size, side, step, channel_axis), batch)
    found = found.reshape(len(x), -1)
    grid = tuple(len(starts(n, side, step)) for n in size)
    return Occlusion((found[:, :1] - found[:, 1:]).reshape(len(x), *grid), side, step, size)


def occlusion_correlation(x: Array, maps: Array, score: Score, **options: Any) -> Array:
    """Spearman's rank correlation [N] of a map with what occlusion takes from the score.

    `occlusion(x, score, **options).correlation(maps)`: of several methods the first part is the
    same, and can be made once.
    """
    return occlusion(x, score, **options).correlation(maps)


def places(size: tuple[int, ...], patch: int, stride: int) -> list[tuple[slice, ...]]:
    """The patches of an input [*S], row by row."""
    corners = product(*(starts(n, patch, stride) for n in size))
    return [tuple(slice(c, c + patch) for c in corner) for corner in corners]


def starts(extent: int, patch: int, stride: int) -> list[int]:
    """Where patches begin along one axis; the last one ends with it."""
    last = extent - patch
    return [*range(0, last, stride), last]


def _occluded(
    x: Array, blank: Array, size: tuple[int, ...], patch: int, stride: int, axis: int
) -> Iterator[Array]:
    for one, other in zip(x, blank, strict=True):
        yield one
        yield from replaced(one, other, _cells(size, patch, stride), axis)


def _cells(size: tuple[int, ...], patch: int, stride: int) -> Iterator[Array]:
    for at in places(size, patch, stride):
        cells = np.zeros(size, bool)
        cells[at] = True
        yield cells
