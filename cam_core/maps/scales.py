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
    parts = list(zip(maps, signed, floors, strict=True))
    lit = reduce(np.maximum, [resize(even(m, m, floor), size) for m, _, floor in parts])
    dark = [resize(even(np.maximum(-s, 0.0), m, floor), size) for m, s, floor in parts]
    return lit, np.where(lit > 0, lit, -reduce(np.maximum, dark))


def even(values: Array, maps: Array, floor: Array) -> Array:
    """Values [N, *S] over the maximum of their map; 0 of one that is noise."""
    axes = tuple(range(1, maps.ndim))
    top = np.max(maps, axis=axes, keepdims=True)
    lit = top > np.expand_dims(floor, axes)
    shown = np.where(lit, values / np.where(lit, top, 1), 0)
    return shown.astype(values.dtype)
