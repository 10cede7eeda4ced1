"""What several rules and steps write alike: conversions, zeros, quantised numbers in real units."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..reading.graph import BFLOAT16, Graph, Tensor
from ..reading.units import units_of
from .op import Op


def at_least_float32(op: Op, x: Tensor) -> Tensor:
    """x in float32 at least: sums over a layer overflow float16."""
    return op.Cast(x, to=np.float32) if np.dtype(x.dtype).itemsize < 4 else x


def as_float32(op: Op, x: Tensor) -> Tensor:
    """x in float32."""
    return x if x.dtype == np.float32 else op.Cast(x, to=np.float32)


def widened(op: Op, x: Tensor) -> Tensor:
    """x, in float32 where it is bfloat16."""
    if not x.name or x.dtype != BFLOAT16:
        return x
    value = op.value(x)
    return op.Cast(x, to=np.float32) if value is None else op.constant(value.astype(np.float32))


def sign(op: Op, x: Tensor) -> Tensor:
    """-1, 0 or 1 without Sign, which browsers lack."""
    return op.Sub(op.Cast(op.Greater(x, 0.0), to=x.dtype), op.Cast(op.Less(x, 0.0), to=x.dtype))


def zeros(op: Op, x: Tensor) -> Tensor:
    """A zero cotangent for x."""
    return op.expand_like(op.constant(np.zeros((1,) * len(x.shape), x.dtype)), x)


def zeros_of_size(op: Op, like: Tensor) -> Tensor:
    """As many zeros as `like` has elements."""
    return op.expand_like(op.constant(np.zeros((), like.dtype)), like)


def transposed(op: Op, x: Tensor) -> Tensor:
    """x with its last two axes exchanged."""
    rank = len(x.shape)
    return op.Transpose(x, perm=[*range(rank - 2), rank - 1, rank - 2])


def real(
    op: Op, q: Tensor, scale: Tensor, zero: Tensor | None = None, axis: int | None = None
) -> Tensor:
    """(q - zero) scale; both are one for all, one an index of `axis`, or broadcast as they are.

    In arithmetic: a runtime folds it where q is a weight, and leaves DequantizeLinear to each run.
    """
    return op.Mul(
        above_zero(op, q, zero, axis, scale.dtype), along_axis(op, scale, axis, len(q.shape))
    )


def above_zero(
    op: Op, q: Tensor, zero: Tensor | None, axis: int | None = None, kind: Any = np.float32
) -> Tensor:
    """q - zero in floating point."""
    value = op.Cast(q, to=kind)
    known = op.value(zero)
    if zero is None or (known is not None and not np.any(known)):
        return value
    return op.Sub(value, along_axis(op, op.Cast(zero, to=kind), axis, len(q.shape)))


def along_axis(op: Op, v: Tensor, axis: int | None, rank: int) -> Tensor:
    """A vector laid along `axis` of a tensor of this rank; anything else as it is."""
    if axis is None or len(v.shape) != 1 or v.shape == (1,) or axis % rank == rank - 1:
        return v
    return op.Reshape(v, [-1 if i == axis % rank else 1 for i in range(rank)])


def in_real_units(op: Op, graph: Graph, layer: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """A and G of a layer in real units; themselves where it is not quantised."""
    units = units_of(graph, layer)
    if units is None:
        return layer, g
    steps = op.Sub(op.Cast(layer, to=units.scale.dtype), units.zero)
    return op.Mul(steps, units.scale), op.Div(g, units.scale)
