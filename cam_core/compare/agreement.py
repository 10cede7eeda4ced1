"""How alike two maps of one picture are: a table of measures, a number a pair each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backend import Array
from ..errors import ModelError
from ..maps.combine import resize
from ..metrics.agreement import pearson, ssim
from ..metrics.given import share

TOP = 0.15
"""The part of a map whose cells count as its hottest."""
ROUNDING = 1e-5
"""Of the largest number of both maps: cells nearer than that are equal, so that what rounds
otherwise does not put cells of nothing in another order."""


@dataclass(frozen=True)
class Measure:
    """A row of MEASURES."""

    of: Callable[[Array, Array], Array]
    """Two signed maps [N, *S] -> [N]; NaN where there is nothing to compare."""
    summary: str
    better: Literal["higher", "lower"]


def spearman(a: Array, b: Array) -> Array:
    """Spearman's rank correlation (1904), cells that only rounding tells apart being equal.

    Each cell is rounded to ROUNDING times the largest number of its own map before it is ranked:
    where a ReLU leaves nothing, one framework has 0 and another 1e-9.
    """
    from ..metrics.agreement import spearman as exact

    return exact(_rounded(a), _rounded(b))


def iou(a: Array, b: Array) -> Array:
    """|T_a and T_b| / |T_a or T_b|, T the cells at least as high as the k-th highest.

    k is 15 % of the cells, at least one; the lowest value of a map is never hot. NaN where
    one map is the same everywhere.
    """
    first, second = _hottest(a), _hottest(b)
    axes = tuple(range(1, a.ndim))
    found = share((first & second).sum(axis=axes) * 1.0, (first | second).sum(axis=axes) * 1.0)
    return np.where(_even(a) | _even(b), np.nan, found)


def centre_shift(a: Array, b: Array) -> Array:
    """|c_b - c_a|, c = sum of place times ReLU(L) over sum of ReLU(L).

    Places run from 0 to 1 along each axis of the picture. NaN where a map is nowhere positive.
    """
    moved: Array = np.linalg.norm(_centre(b) - _centre(a), axis=1)
    return moved


def peak_shift(a: Array, b: Array) -> Array:
    """|p_b - p_a|, p the place of the highest cell, from 0 to 1 along each axis of the picture.

    NaN where one map is the same everywhere.
    """
    moved = np.linalg.norm(_peak(b) - _peak(a), axis=1)
    return np.where(_even(a) | _even(b), np.nan, moved)


def gain(a: Array, b: Array) -> Array:
    """max L_b / max L_a, raw; NaN where one of them is nowhere positive."""
    axes = tuple(range(1, a.ndim))
    high, other = a.max(axis=axes), b.max(axis=axes)
    lit = (high > 0) & (other > 0)
    found: Array = np.where(lit, other / np.where(lit, high, 1), np.nan)
    return found


def structure(a: Array, b: Array) -> Array:
    """`metrics.agreement.ssim`; NaN where a map is too small for a window, or even."""
    if min(a.shape[1:], default=0) < 3:
        return np.full(len(a), np.nan)
    return ssim(a, b)


MEASURES: Mapping[str, Measure] = {
    "spearman": Measure(spearman, "rank correlation of the signed maps", "higher"),
    "pearson": Measure(pearson, "linear correlation of the signed maps", "higher"),
    "ssim": Measure(structure, "structural similarity, each map over its own range", "higher"),
    "iou": Measure(iou, "overlap of the hottest 15 % of the cells", "higher"),
    "centre": Measure(centre_shift, "how far the centre of the heat moves, in sides", "lower"),
    "peak": Measure(peak_shift, "how far the hottest cell moves, in sides", "lower"),
}
"""By name."""


def agreement(a: Array, b: Array) -> dict[str, Array]:
    """All measures of two signed maps [N, *S] and [N, *T], float64 [N] each.

    The coarser map is resized to the finer one. A map with NaN or inf has no number.

    Raises:
        ModelError: maps of another rank.
    """
    first, second = same_size(a, b)
    whole = _finite(first) & _finite(second)
    first, second = (_zero_where(~whole, x) for x in (first, second))
    return {name: np.where(whole, m.of(first, second), np.nan) for name, m in MEASURES.items()}


def same_size(a: Array, b: Array) -> tuple[Array, Array]:
    """Both in float64 at the larger extent of each axis.

    Raises:
        ModelError: maps of another rank.
    """
    if a.ndim != b.ndim:
        raise ModelError(
            f"maps of shape {list(a.shape[1:])} and {list(b.shape[1:])} have no common picture: "
            "name layers of one kind with --layer and --layer-b"
        )
    size = [max(n, m) for n, m in zip(a.shape[1:], b.shape[1:], strict=True)]
    return tuple(resize(x.astype(np.float64), size) for x in (a, b))  # type: ignore[return-value]


def _rounded(maps: Array) -> Array:
    """Each map in steps of ROUNDING times its largest number."""
    axes = tuple(range(1, maps.ndim))
    step = ROUNDING * np.abs(maps).max(axis=axes, keepdims=True)
    return np.rint(np.where(step > 0, maps / np.where(step > 0, step, 1), 0))


def _hottest(maps: Array) -> Array:
    """bool: the cells at least as high as the k-th highest, and above the lowest."""
    flat = maps.reshape(len(maps), -1)
    count = max(1, round(TOP * flat.shape[1]))
    least = np.sort(flat, axis=1)[:, -count]
    shape = -1, *[1] * (maps.ndim - 1)
    found: Array = (maps >= least.reshape(shape)) & (maps > flat.min(axis=1).reshape(shape))
    return found


def _centre(maps: Array) -> Array:
    """[N, axes]"""
    heat = np.maximum(maps, 0)
    axes = range(1, maps.ndim)
    total = heat.sum(axis=tuple(axes))
    along = [heat.sum(axis=tuple(set(axes) - {axis})) for axis in axes]  # [N, extent]
    places = [(np.arange(of.shape[1]) + 0.5) / of.shape[1] for of in along]
    moments = [of @ place for of, place in zip(along, places, strict=True)]
    return np.stack([share(moment, total) for moment in moments], axis=1)


def _peak(maps: Array) -> Array:
    """[N, axes]"""
    extents = maps.shape[1:]
    at = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), extents)
    return np.stack([(i + 0.5) / n for i, n in zip(at, extents, strict=True)], axis=1)


def _even(maps: Array) -> Array:
    axes = tuple(range(1, maps.ndim))
    found: Array = ~np.asarray(maps.max(axis=axes) > maps.min(axis=axes))
    return found


def _finite(maps: Array) -> Array:
    flat = np.isfinite(maps).reshape(len(maps), -1)
    return np.asarray(flat.all(axis=1))


def _zero_where(rows: Array, maps: Array) -> Array:
    return np.where(rows.reshape(-1, *[1] * (maps.ndim - 1)), 0.0, maps)
