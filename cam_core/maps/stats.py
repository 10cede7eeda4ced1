"""Eight numbers that say where a map lies and how strong it is: small enough to log.

Like `combine`, these functions also run on symbolic tensors and so become part of a file, as its
output `cam_stats`: only operators, NumPy reductions with axes and what is `traceable` is used.

L is the positive map [N, H, W], S = sum L of a row, p = L / S its heat as shares. A blank map has
S = 0 and p = 0 everywhere, and with it 0 in all eight numbers; a map with NaN has NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..targets.traceable import traceable

SPACE = (1, 2)
LEAST = 1e-30
"""Shares below that are logged as that: p log p is nothing there, and log 0 no number."""


@dataclass(frozen=True, eq=False)
class Heat:
    """A map, and what several numbers need of it."""

    positive: Array
    """L [N, H, W]"""
    signed: Array
    """The same before its ReLU."""
    total: Array
    """S [N, 1, 1]"""
    divisor: Array
    """S; 1 of a blank map."""
    shares: Array
    """p = L / S"""


@dataclass(frozen=True)
class Stat:
    """A row of STATS."""

    formula: Callable[[Heat], Array]
    """[N, 1, 1]"""
    unit: str
    summary: str
    placed: bool = True
    """Is it about the heat, so that a blank map has none?"""


def energy(heat: Heat) -> Array:
    """sum L / (H W), in the unit of the score."""
    found: Array = np.mean(heat.positive, axis=SPACE, keepdims=True)
    return found


def entropy(heat: Heat) -> Array:
    """-sum p log p / log(H W): 0 where all heat is in one cell, 1 where it is the same everywhere.

    Of a map of one cell it is 0. 0 log 0 is 0.
    """
    p = heat.shares
    whole: Array = np.sum(p * -np.log(np.maximum(p, LEAST)), axis=SPACE, keepdims=True)
    found: Array = whole / most(p)
    return found


def centre_y(heat: Heat) -> Array:
    """sum p (i + 1/2) / H over the rows i: 0 is the upper edge of the map, 1 the lower one."""
    return along(heat.shares, 1)


def centre_x(heat: Heat) -> Array:
    """sum p (j + 1/2) / W over the columns j: 0 is the left edge, 1 the right one."""
    return along(heat.shares, 2)


def border_share(heat: Heat) -> Array:
    """sum of p over the outermost cells: those of the first and last row and column."""
    inner = np.sum(heat.positive[:, 1:-1, 1:-1], axis=SPACE, keepdims=True)
    outer: Array = np.maximum(heat.total - inner, 0.0)
    return outer / heat.divisor


def positive_ratio(heat: Heat) -> Array:
    """S / sum |signed|: positive evidence in all evidence, 1 where none is negative.

    Of the ratio r of positive to negative evidence it is r / (1 + r), which has no infinity.
    """
    whole = np.sum(np.abs(heat.signed), axis=SPACE, keepdims=True)
    return heat.total / np.where(whole == 0.0, 1.0, whole)


def max_share(heat: Heat) -> Array:
    """max p: the share of the hottest cell."""
    found: Array = np.max(heat.shares, axis=SPACE, keepdims=True)
    return found


def raw_max(heat: Heat) -> Array:
    """max L, in the unit of the score."""
    found: Array = np.max(heat.positive, axis=SPACE, keepdims=True)
    return found


STATS: Mapping[str, Stat] = {
    "energy": Stat(energy, "score", "mean of the positive map", placed=False),
    "entropy": Stat(entropy, "1", "how evenly the map is spread: 0 one cell, 1 all alike"),
    "centre_y": Stat(centre_y, "height", "where its heat lies: 0 upper edge, 1 lower edge"),
    "centre_x": Stat(centre_x, "width", "where its heat lies: 0 left edge, 1 right edge"),
    "border_share": Stat(border_share, "1", "share of it in the outermost cells of the map"),
    "positive_ratio": Stat(positive_ratio, "1", "positive evidence in all evidence", placed=False),
    "max_share": Stat(max_share, "1", "share of it in its hottest cell"),
    "raw_max": Stat(raw_max, "score", "the map's maximum", placed=False),
}
"""By name, in the order of `cam_stats`."""


def stats(positive: Array, signed: Array) -> Array:
    """The numbers of STATS of each map, [N, 8].

    Args:
        positive: ReLU(L) [N, H, W].
        signed: the same before its ReLU.

    Raises:
        InputError: the maps have another number of axes.
    """
    if positive.ndim != 3:
        raise InputError(
            f"stats are of maps with height and width, these have {positive.ndim - 1} axes"
        )
    total = np.sum(positive, axis=SPACE, keepdims=True)
    divisor = np.where(total == 0.0, 1.0, total)
    heat = Heat(positive, signed, total, divisor, positive / divisor)
    found = np.concatenate([row.formula(heat) for row in STATS.values()], axis=1)
    flat: Array = np.squeeze(found, axis=2)
    return flat


def described() -> list[dict[str, str]]:
    """Name and unit of each number, in order, ready for JSON: a file says it of its own."""
    return [{"name": name, "unit": row.unit} for name, row in STATS.items()]


def along(maps: Array, axis: int) -> Array:
    """The sum of the maps [N, H, W] times where their cells are along an axis, [N, 1, 1]."""
    found: Array = np.sum(maps * middles(maps, axis), axis=SPACE, keepdims=True)
    return found


@traceable
def middles(maps: Array, axis: int) -> Array:
    """(i + 1/2) / n along an axis of n cells, to be multiplied with the maps."""
    return middles_of(maps.shape[axis], axis).astype(maps.dtype)


@traceable
def most(maps: Array) -> Any:
    """log(H W), the entropy of a map that is the same everywhere; log 2 of a single cell."""
    return most_of(maps.shape[1], maps.shape[2]).astype(maps.dtype)


def most_of(height: int, width: int) -> Array:
    """The same of a size."""
    return np.array([np.log(max(height * width, 2))])


def middles_of(count: int, axis: int) -> Array:
    """The same of a number of cells: [1, n, 1] along axis 1, [1, 1, n] along axis 2."""
    found: Array = (np.arange(count) + 0.5) / count
    return np.expand_dims(found, tuple(i for i in range(3) if i != axis))
