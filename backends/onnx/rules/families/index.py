"""Reading at indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import Extent, extent, minus, pad, positions, product, reshape, vector
from ..parts.put_back import (
    SCATTER_ADD,
    Indices,
    add_at,
    linear_indices,
    not_negative,
    place,
    place_dynamic,
)
from ..registry import Cotangent, unsupported, vjp

PUT_SINCE = 11
"""The opset since which ScatterElements exists."""


@vjp("Gather")
def gather(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Adds each slice where it was read."""
    x, indices = node.inputs
    rank = len(x.shape)
    axis = node.attrs["axis"] % rank
    value, size = op.value(indices), x.shape[axis]
    if size is not None and op.graph.counts.get(indices.name) == size:
        return op.reshape_like(gy, x), None  # reads all in order: how torch exports a view
    g = one_axis(op, gy, axis, len(indices.shape))
    if value is not None and isinstance(size, int):
        found = place(op, g, axis, np.ravel(value) % size, size)
    elif value is not None and value.size == 1:
        found = pad(op, g, {axis: _around(op, x, axis, int(value.item()))})
    else:
        flat = op.Reshape(indices, [-1])
        length = extent(op, x, axis)
        found = place_dynamic(op, g, axis, not_negative(op, flat, length), length)
    return op.typed(found, x.shape), None


def one_axis(op: Op, gy: Tensor, axis: int, count: int) -> Tensor:
    """gy with the `count` axes from `axis` on, those of the indices, made one."""
    if count == 0:
        return op.Unsqueeze(gy, [axis])
    if count == 1:
        return gy
    sizes = [extent(op, gy, i) for i in range(len(gy.shape))]
    merged = product(op, sizes[axis : axis + count])
    return reshape(op, gy, [*sizes[:axis], merged, *sizes[axis + count :]])


def _around(op: Op, x: Tensor, axis: int, index: int) -> tuple[Extent, Extent]:
    """How many lie before and behind one index of an axis of unknown extent."""
    size = op.extent(x, axis)
    if index < 0:
        return op.Add(size, index), -index - 1
    return index, op.Sub(size, index + 1)


@vjp("GatherElements")
def gather_elements(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    x, indices = node.inputs
    axis = node.attrs["axis"] % len(x.shape)
    return put(op, gy, not_negative(op, indices, extent(op, x, axis)), x, axis), None


@vjp("TopK")
def top_k(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The values go back where they were found (torch: the one index that is returned)."""
    x, k = node.inputs
    axis = node.attrs["axis"] % len(x.shape)
    indices = node.outputs[1] if len(node.outputs) > 1 else None
    if indices is None or not indices.name:
        _, indices = op.TopK(x, k, outputs=2, **node.attrs)
    return put(op, gy, indices, x, axis, distinct=True), None


def put(
    op: Op, g: Tensor, indices: Tensor, x: Tensor, axis: int, *, distinct: bool = False
) -> Tensor:
    """Adds g's elements at `indices` (none negative) along an axis of zeros like x."""
    if op.opset < (PUT_SINCE if distinct else SCATTER_ADD):
        return _put_dense(op, g, indices, x, axis)
    sizes = [extent(op, x, i) for i in range(len(x.shape))]
    if not distinct:
        return op.typed(add_at(op, sizes, indices, g, axis), x.shape)
    zeros = op.Expand(np.zeros((1,) * len(sizes), g.dtype), vector(op, sizes))
    return op.typed(op.ScatterElements(zeros, indices, g, axis=axis), x.shape)


def _put_dense(op: Op, g: Tensor, indices: Tensor, x: Tensor, axis: int) -> Tensor:
    """The same with a comparison against every index; the other axes may be shorter than x's."""
    rank = len(x.shape)
    numbers = op.Reshape(positions(op, extent(op, x, axis)), [-1] + [1] * (rank - axis))
    hit = op.Cast(op.Equal(op.Unsqueeze(indices, [axis]), numbers), to=g.dtype)
    found = op.ReduceSum(op.Mul(hit, op.Unsqueeze(g, [axis])), [axis + 1], keepdims=0)
    pads = {}
    for i in range(rank):
        if i != axis and indices.shape[i] != x.shape[i]:
            pads[i] = (0, minus(op, extent(op, x, i), extent(op, indices, i)))
    return pad(op, found, pads, like=x)


@vjp("GatherND")
def gather_nd(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The indexed axes as one, at linear indices."""
    x, indices = node.inputs
    batch, depth = node.attrs.get("batch_dims", 0), indices.shape[-1]
    if not isinstance(depth, int):
        raise unsupported(node, "the number of indexed axes is known at run time only")
    g = one_axis(op, gy, 0, len(indices.shape) - 1)
    static = linear_places(op, indices, x.shape[:depth]) if batch == 0 else None
    if static is not None:
        found = place(op, g, 0, static, int(np.prod(x.shape[:depth])))
    else:
        sizes = [extent(op, x, i) for i in range(batch + depth)]
        linear = linear_indices(op, indices, sizes, batch)
        found = place_dynamic(op, g, 0, linear, product(op, sizes))
    return op.reshape_like(found, x), None


def linear_places(op: Op, indices: Tensor, sizes: Sequence[Any]) -> Indices | None:
    """Constant indices [.., k] into k static axes, as places on those axes made one."""
    value = op.value(indices)
    if value is None or not all(isinstance(s, int) for s in sizes):
        return None
    columns = [value[..., i].ravel() % size for i, size in enumerate(sizes)]
    return np.asarray(np.ravel_multi_index(columns, tuple(sizes)))


@vjp("Compress")
def compress(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    x, condition = node.inputs
    axis = node.attrs.get("axis")
    whole = product(op, [extent(op, x, i) for i in range(len(x.shape))])
    at, size = (0, whole) if axis is None else (axis % len(x.shape), extent(op, x, axis))
    chosen = op.value(condition)
    if chosen is not None and isinstance(size, int):
        found = place(op, gy, at, np.flatnonzero(chosen[:size]), size)
    else:
        indices = op.Compress(positions(op, size), condition, axis=0)
        found = place_dynamic(op, gy, at, indices, size)
    return op.reshape_like(found, x) if axis is None else op.typed(found, x.shape), None


@vjp("Unique")
def unique(op: Op, node: Node, gy: Tensor) -> Tensor:
    """Each value back to where it occurs first."""
    x, axis = node.inputs[0], node.attrs.get("axis")
    first = node.outputs[1] if len(node.outputs) > 1 else None
    if first is None or not first.name:
        _, first = op.Unique(x, outputs=2, **node.attrs)
    if axis is not None:
        along = axis % len(x.shape)
        return op.typed(place_dynamic(op, gy, along, first, extent(op, x, along)), x.shape)
    cells = product(op, [extent(op, x, i) for i in range(len(x.shape))])
    return op.reshape_like(place_dynamic(op, gy, 0, first, cells), x)


@vjp("ReverseSequence")
def reverse_sequence(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Its own inverse and its own adjoint."""
    return op.ReverseSequence(gy, node.inputs[1], **node.attrs), None


@vjp("Range")
def range_(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y_i = start + i delta; the limit only decides how many there are."""
    steps = op.Cast(positions(op, extent(op, node.outputs[0], 0)), to=gy.dtype)
    total = op.ReduceSum(gy, keepdims=0)
    nothing = op.constant(np.zeros((), gy.dtype))
    return total, nothing, lambda: op.ReduceSum(op.Mul(gy, steps), keepdims=0)
