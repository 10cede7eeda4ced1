"""Arithmetic on extents, in Python where they are static and in the graph where they are not.

An `Extent` is an int, or an int64 tensor of one element.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...reading.graph import Shape, Tensor
from ...writing.op import Op
from ...writing.padding import remember

Extent = Any
INFINITY = np.iinfo(np.int64).max


def extent(op: Op, x: Tensor, axis: int) -> Extent:
    """x's extent along `axis`."""
    size = x.shape[axis]
    return size if isinstance(size, int) else op.extent(x, axis)


def product(op: Op, sizes: Sequence[Extent]) -> Extent:
    """All of them multiplied; 1 for none."""
    static = int(np.prod([s for s in sizes if isinstance(s, int)], dtype=np.int64))
    result: Extent = static
    for size in sizes:
        if not isinstance(size, int):
            result = size if isinstance(result, int) and result == 1 else op.Mul(size, result)
    return result


def plus(op: Op, a: Extent, b: Extent) -> Extent:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if isinstance(a, int):
        a, b = b, a
    return a if isinstance(b, int) and b == 0 else op.Add(a, b)


def minus(op: Op, a: Extent, b: Extent) -> Extent:
    if isinstance(b, int):
        return plus(op, a, -b)
    return op.Sub(op.constant(np.array([a])) if isinstance(a, int) else a, b)


def at_least_zero(op: Op, a: Extent) -> Extent:
    if isinstance(a, int):
        return max(a, 0)
    return op.Mul(a, op.Cast(op.Greater(a, 0), to=np.int64))


def at_most(op: Op, a: Extent, bound: Extent) -> Extent:
    """The smaller of both."""
    if isinstance(a, int) and isinstance(bound, int):
        return min(a, bound)
    return minus(op, bound, at_least_zero(op, minus(op, bound, a)))


def vector(op: Op, sizes: Sequence[Extent]) -> Any:
    """One int64 vector: a list where all are static."""
    if all(isinstance(s, int) for s in sizes):
        return list(sizes)
    return op.Concat(*([s] if isinstance(s, int) else s for s in sizes), axis=0)


def reshape(op: Op, g: Tensor, sizes: Sequence[Extent], like: Shape | None = None) -> Tensor:
    """g reshaped; a single unknown extent is left to the runtime."""
    unknown = [i for i, s in enumerate(sizes) if not isinstance(s, int)]
    if len(unknown) == 1 and 0 not in [s for s in sizes if isinstance(s, int)]:
        sizes = [-1 if i in unknown else s for i, s in enumerate(sizes)]
    result = op.reshape(g, list(sizes), like)
    if result.shape is None:  # before opset 13 inference loses even the rank
        op.typed(result, tuple(s if isinstance(s, int) and s > 0 else None for s in sizes))
    return result


def pad(
    op: Op, g: Tensor, pads: Mapping[int, tuple[Extent, Extent]], like: Tensor | None = None
) -> Tensor:
    """Zeros before and after g along some axes; negative numbers crop. `like` has the shape."""
    rank = len(g.shape)
    before: list[Extent] = [pads.get(axis, (0, 0))[0] for axis in range(rank)]
    after: list[Extent] = [pads.get(axis, (0, 0))[1] for axis in range(rank)]
    g = _crop(op, g, before, after)
    before, after = ([max(p, 0) if isinstance(p, int) else p for p in ps] for ps in (before, after))
    if any(not isinstance(p, int) or p for p in (*before, *after)):
        both = [*before, *after]
        core, g = g, op.Pad(g, vector(op, both))
        if all(isinstance(p, int) for p in both):
            remember(op, core, g, both)
    return g if like is None else op.typed(g, like.shape)


def fitted(op: Op, g: Tensor, pads: Mapping[int, tuple[Extent, Extent]], like: Tensor) -> Tensor:
    """The same where it is known at run time only whether a number is negative."""
    static = {a: p for a, p in pads.items() if isinstance(p[0], int) and isinstance(p[1], int)}
    doubtful = {a: p for a, p in pads.items() if a not in static}
    widened = {a: (at_least_zero(op, p[0]), at_least_zero(op, p[1])) for a, p in doubtful.items()}
    g = pad(op, g, static | widened)
    if doubtful:
        starts = [at_least_zero(op, minus(op, 0, before)) for before, _ in doubtful.values()]
        ends = [plus(op, extent(op, like, a), s) for a, s in zip(doubtful, starts, strict=True)]
        g = op.Slice(g, vector(op, starts), vector(op, ends), list(doubtful))
    return op.typed(g, like.shape)


def _crop(op: Op, g: Tensor, before: Sequence[Extent], after: Sequence[Extent]) -> Tensor:
    """The static negative numbers; not every runtime takes them in a Pad."""
    starts = [max(-p, 0) if isinstance(p, int) else 0 for p in before]
    ends = [p if isinstance(p, int) and p < 0 else INFINITY for p in after]
    axes = [i for i in range(len(starts)) if starts[i] or ends[i] < 0]
    if not axes:
        return g
    return op.Slice(g, [starts[i] for i in axes], [ends[i] for i in axes], axes)


def positions(op: Op, size: Extent, dtype: Any = np.int64) -> Tensor:
    """0, 1, ... size - 1 as a vector."""
    if isinstance(size, int):
        return op.constant(np.arange(size, dtype=dtype))
    counted = op.Range(np.array(0), op.Squeeze(size, [0]), np.array(1))
    return counted if np.dtype(dtype) == np.int64 else op.Cast(counted, to=dtype)


def moved(op: Op, g: Tensor, axis: int, to: int, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of g with `axis` exchanged with `to`, and the result's axes back again."""
    if axis == to:
        return function(g)
    perm = list(range(len(g.shape)))
    perm[axis], perm[to] = to, axis
    return op.Transpose(function(op.Transpose(g, perm=perm)), perm=perm)


def as_number(op: Op, size: Extent, like: Tensor) -> Any:
    """The extent as a number of like's type."""
    return float(size) if isinstance(size, int) else op.Cast(op.Squeeze(size, [0]), to=like.dtype)
