"""Masks over the picture: a layer's maps at its size, laid over its channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..maps.combine import matrix_along, resize
from ..region import Region
from .from_gradients import divide
from .question import Question


def size_of(question: Question) -> tuple[int, ...]:
    """The extents of the picture's places."""
    return tuple(question.picture.shape[axis] for axis in question.space)


def laid(question: Question, mask: Array) -> Array:
    """A mask [*size], or one a row [N, *size], with axes to multiply the picture by.

    Raises:
        InputError: a mask for each of several rows that all read one picture.
    """
    axes, row, picture = list(question.space), question.input.row_axis, question.picture
    if mask.ndim > len(axes) and row is None:
        if len(mask) > 1:
            raise InputError("all rows read the same picture: explain them one by one")
        mask = mask[0]
    elif row is not None and mask.ndim > len(axes):
        axes = sorted([*axes, row])
        mask = np.moveaxis(mask, 0, axes.index(row))
    return mask.reshape([picture.shape[i] if i in axes else 1 for i in range(picture.ndim)])


def enlarge(
    maps: Array, size: Sequence[int], region: Region | None, *, align_corners: bool = False
) -> Array:
    """Maps [N, *S] at the size of the picture [N, *size], linearly; 0 beyond what they cover.

    Raises:
        InputError: the maps have other axes than the picture.
    """
    folded = () if region is None else region.picture_of(size)
    if folded:
        return enlarge(maps, folded, region, align_corners=align_corners).reshape(len(maps), -1)
    along = range(len(size)) if region is None else region.along(len(size))
    if len(along) != maps.ndim - 1:
        raise InputError(
            f"maps {list(maps.shape[1:])} do not lie over a picture {list(size)}, which they mask: "
            "choose a layer with its axes, or a method that needs gradients"
        )
    extents = [size[axis] for axis in along]
    if align_corners:
        for axis, extent in enumerate(extents, 1):
            maps = matrix_along(maps, axis, corners(maps.shape[axis], extent).astype(maps.dtype))
    else:
        maps = resize(maps, extents, None if region is None else region.windows)
    for axis in sorted(set(range(len(size))) - set(along)):
        maps = np.expand_dims(maps, axis + 1)
    return np.broadcast_to(maps, (len(maps), *size))


def corners(n_in: int, n_out: int) -> Array:
    """[n_out, n_in]: linear interpolation whose first and last places are those of the map.

    torch's `align_corners=True`: place i of the output is i (n_in - 1) / (n_out - 1).
    """
    place = np.linspace(0, n_in - 1, n_out) if n_out > 1 else np.zeros(1)
    found: Array = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(n_in)))
    return found


def stretched(maps: Array, inside: Array | None = None, *, eps: float = 0.0) -> Array:
    """(m - min m) / (max m - min m) of each map [N, *S], 0 of a constant one and beyond `inside`.

    `eps` is added to the divisor.
    """
    axes = tuple(range(1, maps.ndim))
    low, high = (
        reduce(maps, axis=axes, keepdims=True, where=inside is None or inside, initial=far)
        for reduce, far in ((np.min, np.inf), (np.max, -np.inf))
    )
    found = divide(maps - low, high - low + eps)
    return found if inside is None else np.where(inside, found, 0)


def cells_of(question: Question) -> int:
    """How many maps each row has: several of frames."""
    return len(question.A) // question.rows


def by_row(question: Question, maps: Array) -> Array:
    """Maps [N T, *S] as [N, T, *S] where there are several a row."""
    T = cells_of(question)
    return maps if T == 1 else maps.reshape(question.rows, T, *maps.shape[1:])


def alpha_of(question: Question, weights: Array) -> Array:
    """Weights of channels [N, K] as alpha [N, K, 1..], the same for all maps of a row."""
    found = np.repeat(weights, cells_of(question), axis=0)
    return found.reshape(*found.shape, *[1] * (question.A.ndim - 2)).astype(question.A.dtype)
