"""One number of several: ADCC and ARCC, each a harmonic mean of three terms in [0, 1].

A map that lights the whole picture drops nothing, and one that lights nothing is simple: each term
alone is won by a map that says nothing, all three are not.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..agreement import pearson
from ..complexity import complexity

PERCENTILES = (20, 40, 60, 80)
"""Those at which the paper of ARCC takes ROAD."""


def coherency(maps: Array, masked_maps: Array) -> Array:
    """(1 + r) / 2 of a map and the map of what it keeps of the input (Poppi et al. 2021).

    Args:
        maps: L [N, *S], of x.
        masked_maps: [N, *S], by the same method and of the same class, of x L (`masked_input`).

    Returns:
        Float64 [N] in [0, 1]; NaN where one map is the same everywhere.
    """
    return (1 + pearson(maps, masked_maps)) / 2


def adcc(maps: Array, masked_maps: Array, drop: Array) -> Array:
    """3 / (1 / coherency + 1 / (1 - complexity) + 1 / (1 - drop)) (Poppi et al. 2021).

    Args:
        maps: L [N, *S] in [0, 1], of x.
        masked_maps: [N, *S], of x L.
        drop: `relative_drop` [N].

    Returns:
        Float64 [N] in [0, 1]; 0 where a term is 0, NaN where a map is the same everywhere.
    """
    return _harmonic(coherency(maps, masked_maps), 1 - complexity(maps), 1 - np.asarray(drop))


def arcc(maps: Array, masked_maps: Array, road: Array) -> Array:
    """3 / (1 / coherency + 1 / (1 - complexity) + 1 / R), R = 2 ROAD in [0, 1] (2605.14641).

    RefineCAM's metric, with what the picture could have had instead of a drop.

    Args:
        maps: L [N, *S] in [0, 1], of x.
        masked_maps: [N, *S], of x L.
        road: `Road.combined` [N] of a probability at 20, 40, 60 and 80, cut off at 0 and 1/2.

    Returns:
        Float64 [N] in [0, 1]; 0 where a term is 0, NaN where a map is the same everywhere.
    """
    removed = np.clip(2 * np.asarray(road, np.float64), 0, 1)
    return _harmonic(coherency(maps, masked_maps), 1 - complexity(maps), removed)


def _harmonic(*terms: Array) -> Array:
    """Their harmonic mean, row by row; 0 where one is 0."""
    if len({term.shape for term in terms}) > 1:
        raise InputError(
            f"terms of {', '.join(str(t.shape) for t in terms)} values: one a map each"
        )
    values = np.stack(terms).astype(np.float64)
    zero = (values <= 0).any(axis=0)
    found: Array = len(terms) / np.sum(1 / np.where(zero, 1, values), axis=0)
    return np.where(zero, 0.0, found)
