"""Maps of several layers as one: those of the scales of a detector.

Like `combine`, these functions also run on symbolic tensors and so become part of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ..backend import Array
from .combine import resize


def merge(
    maps: Sequence[Array], signed: Sequence[Array], floors: Sequence[Array], size: Sequence[int]
) -> tuple[Array, Array]:
    """The largest of each place (Zhao et al. 2023, ODAM, section 3.3), positive and signed.

    Each map over its own maximum, at `size`, and of these the maximum; negative evidence likewise,
    where there is no positive. Maps below their noise count for nothing.

    Args:
        maps: [N, *S] of each layer.
        signed: the same with negative evidence.
        floors: [N], below which a map is noise.
        size: of the result [N, *size].
    """
    lit, dark = [], []
    for m, s, floor in zip(maps, signed, floors, strict=True):
        shown, top = maximum(m, floor)
        lit.append(resize(over(m, shown, top), size))
        dark.append(resize(over(np.maximum(-s, 0.0), shown, top), size))
    most = reduce(np.maximum, lit)
    return most, np.where(most > 0, most, -reduce(np.maximum, dark))


def even(values: Array, maps: Array, floor: Array) -> Array:
    """Values [N, *S] over the maximum of their map; 0 of one that is noise."""
    return over(values, *maximum(maps, floor))


def maximum(maps: Array, floor: Array) -> tuple[Array, Array]:
    """Whether a map [N, *S] is more than noise [N, 1..], and its maximum, 1 where it is not."""
    axes = tuple(range(1, maps.ndim))
    top = np.max(maps, axis=axes, keepdims=True)
    shown = top > np.expand_dims(floor, axes)
    return shown, np.where(shown, top, 1)


def over(values: Array, shown: Array, top: Array) -> Array:
    """Values over the maximum of their map; 0 where that is noise."""
    found = np.where(shown, values / top, 0)
    return found.astype(values.dtype)
