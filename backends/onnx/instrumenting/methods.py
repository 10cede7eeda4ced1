"""The CAM method inside the file: the NumPy core, traced over A and G."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cam_core.errors import InputError
from cam_core.maps import combine as core
from cam_core.maps.layout import Layout
from cam_core.methods import METHODS

from ..reading.graph import Tensor
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .trace import Traced


@dataclass(frozen=True)
class CamTensors:
    """What a method makes of one layer and one target."""

    alpha: Tensor
    signed: Tensor
    map: Tensor


def cam(op: Op, method: str, layout: Layout, A: Tensor, G: Tensor) -> CamTensors:
    """alpha [N, K, ...], the signed map and its positive part [N, *S], in float32.

    Raises:
        InputError: no such method, or one that cannot be written as operators.
    """
    if method not in METHODS:
        raise InputError(f"no method '{method}'; there are {', '.join(METHODS)}")
    row = METHODS[method]
    if not row.traceable:
        raise InputError(f"method '{method}' cannot be written into a file; use `explain`")
    activations: Any = layout.apply(Traced(op, as_float32(op, A)))  # type: ignore[arg-type]
    gradients: Any = layout.apply(Traced(op, as_float32(op, G)))  # type: ignore[arg-type]
    alpha: Any = row(activations, gradients)
    signed: Any = core.combine(activations, alpha)
    positive: Any = core.positive(signed)
    return CamTensors(alpha.tensor, signed.tensor, positive.tensor)


def heatmap(op: Op, maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """The map in [0, 1] at the input's size [N, *size]."""
    painted: Any = core.heatmap(Traced(op, maps), size)  # type: ignore[arg-type]
    return painted.tensor
