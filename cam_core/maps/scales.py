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
    parts = zip(maps, signed, floors, strict=True)
    each, against = zip(*(_even(m, s, floor, size) for m, s, floor in parts), strict=True)
    lit, dark = reduce(np.maximum, each), reduce(np.maximum, against)
    return lit, np.where(lit > 0, lit, -dark)


def _even(maps: Array, signed: Array, floor: Array, size: Sequence[int]) -> tuple[Array, Array]:
    """A map [N, *S] and what is negative, over its maximum, at `size`; 0 of one that is noise."""
    axes = tuple(range(1, maps.ndim))
    top = np.max(maps, axis=axes, keepdims=True)
    lit = top > np.expand_dims(floor, axes)
    whole = np.where(lit, top, 1)
    shown = [np.where(lit, v / whole, 0) for v in (maps, np.maximum(-signed, 0.0))]
    found, against = (resize(s.astype(maps.dtype), size) for s in shown)
    return found, against
