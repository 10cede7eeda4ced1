"""The pieces of some axes as other axes, where no one number says how long the others are.

These functions also run on symbolic tensors, as those of `Layout` do: of their shapes the first
extents are handed on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ..backend import Array

Names: TypeAlias = tuple[str, ...]


def regrouped(
    t: Array, before: Sequence[Names], after: Sequence[Names], extents: Mapping[str, int]
) -> Array:
    """The pieces of the axes `before` as the axes `after`; an axis of no piece has one cell.

    Any number of extents may be unknown, but no two of one axis.
    """
    points = tuple(i for i, axis in enumerate(before) if not axis)
    t = np.squeeze(t, points) if points else t
    held = [axis for axis in before if axis]
    for axis in [axis for axis in held if len(axis) > 1]:
        t, held = _at_the_end(t, held, [axis])
        t = np.reshape(t, (*t.shape[:-1], *(extents.get(name, -1) for name in axis)))
        held = [*held[:-1], *((name,) for name in axis)]
    for group in [group for group in after if len(group) > 1]:
        t, held = _at_the_end(t, held, [(name,) for name in group])
        t = np.reshape(t, (*t.shape[: -len(group)], -1))
        held = [*held[: -len(group)], group]
    t, _ = _at_the_end(t, held, [group for group in after if group])
    single = tuple(i for i, group in enumerate(after) if not group)
    return np.expand_dims(t, single) if single else t


def _at_the_end(t: Array, held: list[Names], last: Sequence[Names]) -> tuple[Array, list[Names]]:
    """The tensor with those axes behind the others."""
    order = [i for i, axis in enumerate(held) if axis not in last] + [held.index(a) for a in last]
    moved = t if order == sorted(order) else np.transpose(t, order)
    return moved, [held[i] for i in order]
