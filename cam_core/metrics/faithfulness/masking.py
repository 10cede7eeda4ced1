"""An input of which a map keeps or takes away parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..given import as_heatmaps, cast
from ..scoring import BATCH, Score, scores_of

Fill = float | Array
"""What is put where something was taken away: a number, or values that broadcast to x."""


def over_channels(maps: Array, x: Array, channel_axis: int = 1) -> Array:
    """Maps [N, *S] as they multiply x [N, C, *S], or [N, *S, C] with `channel_axis=-1`.

    Raises:
        InputError: the maps have not the size of x.
    """
    axis = channel_axis % x.ndim if x.ndim else 0
    size = tuple(n for i, n in enumerate(x.shape) if i != axis)
    if x.ndim < 3 or axis == 0 or maps.shape != size:
        raise InputError(
            f"maps of shape {maps.shape} do not lie over inputs of {x.shape} with their channels "
            f"at axis {channel_axis}: bring them to the input's size, as `heatmap(size)` does"
        )
    return np.expand_dims(maps, axis)


def filled(fill: Fill, x: Array) -> Array:
    """A whole input of nothing but the fill, of x's shape and type.

    Raises:
        InputError: it does not broadcast to x.
    """
    try:
        return np.broadcast_to(cast(np.asarray(fill), x.dtype), x.shape)
    except ValueError:
        raise InputError(
            f"a fill of shape {np.shape(fill)} does not broadcast to inputs of {x.shape}: give a "
            "number, or one value a channel, [C, 1, 1]"
        ) from None


def masked_input(x: Array, maps: Array, *, fill: Fill = 0.0, channel_axis: int = 1) -> Array:
    """x L + fill (1 - L): what a map keeps of an input.

    Args:
        x: [N, C, *S].
        maps: L [N, *S] in [0, 1].
        fill: what is there where L is 0; 0 is the mean colour of most preprocessing.
        channel_axis: of x; -1 for [N, *S, C].
    """
    kept = over_channels(as_heatmaps(maps), x, channel_axis)
    return cast(x * kept + filled(fill, x) * (1 - kept), x.dtype)


def masked_scores(
    x: Array,
    maps: Array,
    score: Score,
    *,
    fill: Fill = 0.0,
    channel_axis: int = 1,
    batch: int = BATCH,
) -> tuple[Array, Array]:
    """(Y of x, Y of what the map keeps of x), each [N]: 2 N forward passes.

    For `relative_drop` and the others of its family.
    """
    masked = masked_input(x, maps, fill=fill, channel_axis=channel_axis)
    found = scores_of(score, (*x, *masked), batch)
    return found[: len(x)], found[len(x) :]


def ranks(maps: Array) -> Array:
    """For each cell of maps [N, *S] how many of its map come before it, the hottest first.

    Equal cells go row by row from the upper left.
    """
    flat = np.asarray(maps).reshape(len(maps), -1)
    order = np.argsort(-flat, axis=1, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(flat.shape[1])[None], axis=1)
    return found.reshape(np.shape(maps))


def replaced(x: Array, other: Array, cells: Iterator[Array], channel_axis: int) -> Iterator[Array]:
    """One input x [C, *S] with the cells bool [*S] taken from another, for each of several."""
    axis = channel_axis % (x.ndim + 1) - 1
    return (np.where(np.expand_dims(taken, axis), other, x) for taken in cells)
