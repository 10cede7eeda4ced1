"""The adjoint of reading along one axis: y[.., j, ..] = x[.., index[j], ..].

Slices, pads by reflection and gathers are all of this kind. With constant indices it is written
with Slice, Pad, Gather and MatMul alone, which every runtime has; only wide axes with indices
known at run time need a scatter with addition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...reading.graph import Tensor
from ...writing.op import Op
from .extents import (
    INFINITY,
    Extent,
    extent,
    minus,
    moved,
    pad,
    positions,
    product,
    reshape,
    vector,
)

FEW_RUNS = 4
"""Up to this many arithmetic progressions are placed one by one."""
FEW_ROUNDS = 4
"""Up to this often may an index occur before a product with a 0/1 matrix is better."""
SMALL_AXIS = 256
"""Up to this extent a 0/1 matrix made at run time is cheaper than it is unportable to scatter."""
SCATTER_ADD = 16
"""The opset since which Scatter operators add."""

Indices = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Run:
    """y[at : at + count] = x[first], x[first + step], ..."""

    at: int
    first: int
    step: int
    count: int


def runs(indices: Indices) -> Iterator[Run]:
    """The indices as arithmetic progressions, each as long as it can be."""
    at = 0
    while at < len(indices):
        count = 1
        step = int(indices[at + 1] - indices[at]) if at + 1 < len(indices) else 1
        while at + count < len(indices) and indices[at + count] - indices[at + count - 1] == step:
            count += 1
        yield Run(at, int(indices[at]), step if count > 1 else 1, count)
        at += count


def place(op: Op, g: Tensor, axis: int, indices: Indices, size: int) -> Tensor:
    """Adds g's slices where constant `indices` (in [0, size)) say; the others are zero."""
    found = list(runs(indices))
    if not found:
        return pad(op, g, {axis: (0, size)})
    if len(found) <= FEW_RUNS:
        parts = [_place_run(op, g, axis, run, len(indices), size) for run in found]
        return _sum(op, parts)
    order = _occurrence(indices)
    if order.max() < FEW_ROUNDS:
        rounds = range(int(order.max()) + 1)
        return _sum(op, [_round(op, g, axis, indices, order == r, size) for r in rounds])
    matrix = (np.arange(size)[:, None] == indices[None, :]).astype(g.dtype)
    if matrix.size <= SMALL_AXIS**2 or op.opset < SCATTER_ADD:
        return along(op, g, axis, matrix)
    return scatter(op, g, axis, op.constant(indices.astype(np.int64)), size)


def _sum(op: Op, parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = op.Add(total, part)
    return total


def _occurrence(indices: Indices) -> Indices:
    """How often each index occurred before."""
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    starts = np.r_[True, ordered[1:] != ordered[:-1]]
    rank = np.arange(len(indices))
    result = np.empty(len(indices), np.int64)
    result[order] = rank - np.maximum.accumulate(np.where(starts, rank, 0))
    return result


def _round(op: Op, g: Tensor, axis: int, indices: Indices, chosen: Indices, size: int) -> Tensor:
    """The chosen, distinct indices: read backwards, with a slice of zeros for all others."""
    back = np.full(size, len(indices), np.int64)
    back[indices[chosen]] = np.flatnonzero(chosen)
    if (back == len(indices)).any():
        g = pad(op, g, {axis: (0, 1)})
    return op.Gather(g, op.constant(back), axis=axis)


def _place_run(op: Op, g: Tensor, axis: int, run: Run, count: int, size: int) -> Tensor:
    if run.count < count:
        g = op.Slice(g, [run.at], [run.at + run.count], [axis])
    if run.step == 0:
        g = op.ReduceSum(g, [axis], keepdims=1)
        return pad(op, g, {axis: (run.first, size - run.first - 1)})
    lowest = run.first if run.step > 0 else run.first + run.step * (run.count - 1)
    lead = lowest % abs(run.step)
    g, wide = spread(op, g, axis, run.step, run.count, lead)
    return pad(op, g, {axis: (lowest - lead, size - lowest + lead - wide)})


def spread(
    op: Op, g: Tensor, axis: int, step: int, count: Extent, lead: int | None = None
) -> tuple[Tensor, Extent]:
    """g in ascending order with |step| - 1 zeros between its slices, and its new extent.

    With `lead`, so many of a block's |step| - 1 zeros come first, the others after the last slice.
    """
    if step < 0:
        g = reverse_axis(op, g, axis, count)
    gap = abs(step) - 1
    if gap == 0:
        return g, count
    first = lead or 0
    wide = pad(op, op.Unsqueeze(g, [axis + 1]), {axis + 1: (first, gap - first)})
    sizes = [extent(op, g, i) for i in range(len(g.shape))]
    sizes[axis] = product(op, [count, gap + 1])
    shape = [*g.shape[:axis], sizes[axis] if isinstance(sizes[axis], int) else None]
    flat = reshape(op, wide, sizes, (*shape, *g.shape[axis + 1 :]))
    if lead is not None:
        return flat, sizes[axis]
    return pad(op, flat, {axis: (0, -gap)}), minus(op, sizes[axis], gap)


def reverse_axis(op: Op, g: Tensor, axis: int, count: Extent) -> Tensor:
    if isinstance(count, int):
        if count == 1:
            return g
        return op.Gather(g, np.arange(count)[::-1].copy(), axis=axis)
    return op.typed(op.Slice(g, [-1], [-INFINITY], [axis], [-1]), g.shape)


def along(op: Op, g: Tensor, axis: int, matrix: Any) -> Tensor:
    """matrix [D, n] times g along an axis of extent n."""
    last = len(g.shape) - 1
    if axis == last:
        flipped = matrix.T.copy() if isinstance(matrix, np.ndarray) else None
        return op.MatMul(g, op.Transpose(matrix, perm=[1, 0]) if flipped is None else flipped)
    return moved(op, g, axis, last - 1, lambda h: op.MatMul(matrix, h))


def place_dynamic(op: Op, g: Tensor, axis: int, indices: Tensor, size: Extent) -> Tensor:
    """`place` for a vector of indices known at run time, none of them negative."""
    small = isinstance(size, int) and size <= SMALL_AXIS
    if not small and op.opset >= SCATTER_ADD:
        return scatter(op, g, axis, op.Cast(indices, to=np.int64), size)
    numbers = op.Unsqueeze(positions(op, size, indices.dtype), [1])
    matrix = op.Cast(op.Equal(numbers, op.Unsqueeze(indices, [0])), to=g.dtype)
    return along(op, g, axis, matrix)


def scatter(op: Op, g: Tensor, axis: int, indices: Tensor, size: Extent) -> Tensor:
    """The same by a ScatterElements that adds, whose indices are as many as g's elements.

    A ScatterND needs fewer, but onnxruntime's loses what repeated indices add as soon as it runs
    in more than one thread.
    """
    rank = len(g.shape)
    sizes = [extent(op, g, i) for i in range(rank)]
    aligned = op.Reshape(indices, [-1 if i == axis else 1 for i in range(rank)])
    everywhere = op.Expand(aligned, vector(op, sizes))
    sizes[axis] = size
    return add_at(op, sizes, everywhere, g, axis)


def add_at(op: Op, sizes: Sequence[Extent], indices: Tensor, g: Tensor, axis: int) -> Tensor:
    """g's elements added at `indices` along an axis of zeros [*sizes], in float32 where runtimes
    have no float16 kernel.
    """
    half = np.dtype(g.dtype) == np.float16
    kind = np.dtype(np.float32) if half else g.dtype
    zeros = op.Expand(np.zeros((1,) * len(sizes), kind), vector(op, sizes))
    wide = op.Cast(g, to=kind) if half else g
    found = op.ScatterElements(zeros, indices, wide, axis=axis, reduction="add")
    return op.Cast(found, to=np.float16) if half else found


def not_negative(op: Op, indices: Tensor, size: Extent) -> Tensor:
    """int64 indices with `size` added to the negative ones."""
    indices = indices if np.dtype(indices.dtype) == np.int64 else op.Cast(indices, to=np.int64)
    below = op.Cast(op.Less(indices, 0), to=np.int64)
    return op.Add(indices, op.Mul(below, size))


def linear_indices(op: Op, indices: Tensor, sizes: list[Extent], batch: int) -> Tensor:
    """The same at run time, after `batch` axes that data and indices share; a flat vector."""
    rank = len(indices.shape) - 1
    total: Tensor = None
    for i, size in enumerate(sizes):
        stride = product(op, sizes[i + 1 :])
        if i < batch:
            column = op.Reshape(positions(op, size), [-1] + [1] * (rank - 1 - i))
        else:
            column = op.Gather(indices, np.array(i - batch), axis=-1)
            column = not_negative(op, column, size) if rank else _scalar(op, column, size)
        part = column if isinstance(stride, int) and stride == 1 else op.Mul(column, stride)
        total = part if total is None else op.Add(total, part)
    return op.Reshape(total, [-1])


def _scalar(op: Op, column: Tensor, size: Extent) -> Tensor:
    return not_negative(op, op.Unsqueeze(column, [0]), size)
