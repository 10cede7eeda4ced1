"""The CAM method inside the file: the NumPy core, traced over A and G."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from cam_core.errors import InputError
from cam_core.maps import combine, positive
from cam_core.maps import heatmap as resized_heatmap
from cam_core.maps.arrangement import Arrangement
from cam_core.maps.diagnosis import noise_floor
from cam_core.maps.fuses import fused
from cam_core.maps.layout import Layout
from cam_core.maps.scales import merge
from cam_core.maps.share import Share
from cam_core.merging import require_alike
from cam_core.methods import At, Method, Need, find_method
from cam_core.region import Window

from ..finding.layers import Choice
from ..reading.graph import Extent, Tensor
from ..reading.names import OF_TARGET
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .trace import Traced

WRITTEN: dict[At, frozenset[Need]] = {
    "layer": frozenset({"gradients"}),
    "input": frozenset({"gradients", "input gradients", "guided gradients"}),
    "attention": frozenset({"gradients", "attention"}),
}
"""What a method gets in a file besides A."""


@dataclass(frozen=True)
class CamTensors:
    """What a method makes of one layer and one target."""

    alpha: Tensor | None
    """None of a map that is no weighted sum."""
    signed: Tensor
    map: Tensor
    floor: Tensor | None = None
    """The value [N] below which the map is rounding noise, where it is asked for."""


def writable_method(name: str) -> Method:
    """The method of that name with its options, if it can be written as operators."""
    method = find_method(name)
    lacking = method.lacking(WRITTEN[method.at])
    if lacking or not method.traceable:
        why = f" needs {lacking} and" if lacking else ""
        raise InputError(f"method '{name}'{why} cannot be written into a file; use `explain`")
    return method


def cam(
    op: Op,
    method: Method,
    layout: Layout | Arrangement | Share,
    A: Tensor,
    G: Tensor | None,
    rows: Extent,
    *,
    floor: bool = False,
) -> CamTensors:
    """alpha [N, K, ...], the signed map and its positive part [N, *S], in float32.

    `rows`: N, where the layer's tensor has those of several inputs.
    """
    activations, gradients = (arranged(op, layout, x, rows) for x in (A, G))
    alpha: Any = method(activations, gradients)
    signed: Any = combine(activations, alpha)
    if layout.maps:  # frames: several maps a row
        alpha, signed = (np.reshape(v, (-1, *layout.maps, *v.shape[1:])) for v in (alpha, signed))
    lit: Any = positive(signed)
    noise: Any = noise_floor(alpha * activations, np.dtype(A.dtype)) if floor else None
    if floor and layout.maps:
        each = (-1, *layout.maps)
        noise = np.max(np.reshape(noise, each), axis=tuple(range(1, len(each))))
    return CamTensors(alpha.tensor, signed.tensor, lit.tensor, noise and noise.tensor)


def merged(op: Op, parts: Sequence[CamTensors], how: str | None = None) -> tuple[Tensor, Tensor]:
    """The map and the signed map of several layers as one, at the size of the finest.

    `how`: a row of FUSES; as the scales of a detector if None.
    """
    maps, signed, floors = (
        [Traced(op, tensor) for tensor in tensors if tensor is not None]
        for tensors in zip(*((p.map, p.signed, p.floor) for p in parts), strict=True)
    )
    finest = max(maps, key=lambda one: prod(one.shape[1:]))
    of: Any = maps, signed, floors, finest.shape[1:]
    found: Any = merge(*of) if how is None else fused(how, *of)
    return found[0].tensor, found[1].tensor


def mergeable(parts: Sequence[CamTensors]) -> bool:
    """Are the extents of all maps known, so that constant matrices resize them?"""
    return all(isinstance(extent, int) for part in parts for extent in part.map.shape[1:])


def require_fusible(choices: Sequence[Choice], parts: Sequence[CamTensors]) -> None:
    """Several layers over one input, of known sizes.

    Raises:
        InputError: they are not.
    """
    over = ["" if choice.region is None else choice.region.input for choice in choices]
    each = zip(choices, parts, over, strict=True)
    require_alike([(choice.name, len(one.map.shape) - 1, name) for choice, one, name in each])
    if not mergeable(parts):
        raise InputError("fuse needs maps of known sizes: fix the input's by --size or --static")


def knows_no_class(method: str, outputs: Sequence[str]) -> bool:
    """Does nothing that is asked for depend on what is explained?"""
    return find_method(method).needs <= {"attention"} and set(OF_TARGET).isdisjoint(outputs)


def heatmap(
    op: Op,
    maps: Tensor,
    size: tuple[int, ...] | None,
    windows: Sequence[Window] | None,
    along: tuple[int, ...] | None,
) -> Tensor:
    """The map in [0, 1] at the input's size [N, *size], over what it covers of it."""
    painted: Any = resized_heatmap(Traced(op, maps), size, windows, along)  # type: ignore[arg-type]
    return painted.tensor


def arranged(op: Op, layout: Layout | Arrangement | Share, x: Tensor | None, rows: Extent) -> Any:
    """A layer's tensor as [N, K, *S], in float32."""
    if x is None:
        return None
    found: Any = layout.apply(Traced(op, as_float32(op, x)))  # type: ignore[arg-type]
    if isinstance(layout, Share) and not layout.maps:
        op.typed(found.tensor, (rows, *found.shape[1:]))
    return found
