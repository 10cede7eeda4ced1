"""What the numbers of a map need to know of its size, as nodes; the formulas are the core's."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.errors import ModelError
from cam_core.maps import stats

from ..reading.graph import Tensor
from ..rules.parts.extents import positions
from ..writing.op import Op
from .trace import Traced, traces

COUNTING = 11
"""The opset from which a Range counts what is known at run time only."""


def stats_of(op: Op, positive: Tensor, signed: Tensor) -> Tensor:
    """`cam_stats` [N, 8], float32.

    Raises:
        InputError: the map has no height and width.
    """
    found: Any = stats.stats(Traced(op, positive), Traced(op, signed))  # type: ignore[arg-type]
    return found.tensor


@traces(stats.middles)
def _middles(op: Op, maps: Traced, axis: int) -> Any:
    """A constant where the size is known, as below; else it is counted at run time."""
    count = maps.shape[axis]
    if isinstance(count, int):
        return Traced(op, op.constant(stats.middles_of(count, axis).astype(maps.dtype)))
    extent = _counted(op, maps, axis)
    places: Any = Traced(op, positions(op, op.extent(maps.tensor, axis), maps.dtype))
    return np.expand_dims((places + 0.5) / extent, [i for i in range(3) if i != axis])


@traces(stats.most)
def _most(op: Op, maps: Traced) -> Any:
    height, width = maps.shape[1:]
    if isinstance(height, int) and isinstance(width, int):
        return Traced(op, op.constant(stats.most_of(height, width).astype(maps.dtype)))
    counted: Any = _counted(op, maps, 1) * _counted(op, maps, 2)
    return np.log(np.maximum(counted, 2.0))


def _counted(op: Op, maps: Traced, axis: int) -> Any:
    """An extent [1] in the maps' type."""
    if op.opset < COUNTING:
        raise ModelError(
            f"stats of a map whose size is open need opset {COUNTING}: fix it with --static"
        )
    return Traced(op, op.Cast(op.extent(maps.tensor, axis), to=maps.dtype))
