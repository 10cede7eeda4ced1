"""The value below which a map is rounding noise, where the map itself does not bring it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.maps.diagnosis import noise_floor

from ..reading.graph import Tensor
from ..writing.op import Op
from .trace import Traced


def floor_of(op: Op, signed: Tensor) -> Tensor:
    """Of a map [N, *S] that is no weighted sum: that of its own numbers [N]."""
    traced: Any = Traced(op, signed)
    found: Any = noise_floor(np.expand_dims(traced, 1), np.dtype(np.float32))
    floor: Tensor = found.tensor
    return floor


def none_of(op: Op, floor: Tensor | None) -> Tensor | None:
    """0 [N] of a map that was merged from several: what is noise in them is not in it."""
    return None if floor is None else op.Mul(floor, 0.0)
