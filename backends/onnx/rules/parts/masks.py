"""Masks: 1 where a tensor lies beyond a bound, else 0, in the tensor's own type.

A comparison leaves the layout in which onnxruntime runs convolutions (see `blocked`), a HardSigmoid
stays in it; one as steep as float32 allows is the same step. It is used for float32 maps only: in
float16 its slope is infinite.
"""

from __future__ import annotations

import math

import numpy as np

from ...reading.graph import Tensor
from ...writing.op import Op
from .nchwc import is_map

STEEPEST = 127
"""The exponent of the largest power of two in float32."""
LITTLE = 2.0**-60
"""Moves no step, and is there because OpenVINO (2026.4) takes a beta of 0 for the default, 0.5."""


def above(op: Op, x: Tensor, bound: Tensor | float = 0.0) -> Tensor:
    """1 where x > `bound`, else 0."""
    return _beyond(op, x, bound, 1)


def below(op: Op, x: Tensor, bound: Tensor | float = 0.0) -> Tensor:
    """1 where x < `bound`, else 0."""
    return _beyond(op, x, bound, -1)


def _beyond(op: Op, x: Tensor, bound: Tensor | float, side: int) -> Tensor:
    edge = _steppable(op, x, bound)
    if edge is not None:
        slope = side * 2.0 ** min(STEEPEST, STEEPEST - 1 - math.frexp(edge)[1])
        return op.HardSigmoid(x, alpha=slope, beta=-edge * slope or -LITTLE)
    compare = op.Greater if side > 0 else op.Less
    return op.Cast(compare(x, bound), to=x.dtype)


def _steppable(op: Op, x: Tensor, bound: Tensor | float) -> float | None:
    """The bound, where a steep line through it is a step, subnormal numbers apart.

    Scaling by a power of two is exact, so the line is 0 at the bound, and a whole unit further at
    the float32 next to it.
    """
    if not is_map(x):
        return None
    value = bound if isinstance(bound, float) else op.value(bound)
    if value is None or np.size(value) != 1:
        return None
    edge = float(np.float32(np.asarray(value).item()))
    return edge if edge == 0 or 2.0**-60 < abs(edge) < 2.0**60 else None
