"""Writing at indices."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor, floating
from ...writing.arithmetic import zeros
from ...writing.op import Op
from ..parts.collisions import REDUCTIONS, met_elements, met_slices
from ..parts.extents import extent, positions
from ..parts.put_back import Indices, runs
from ..registry import Cotangent, optional, unsupported, vjp
from .index import linear_places, one_axis


@vjp("ScatterElements")
def scatter_elements(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    if node.attrs.get("reduction") in REDUCTIONS:
        return met_elements(op, node, gy)
    _, indices, updates = node.inputs
    axis = node.attrs["axis"]

    def of_data() -> Tensor:
        if _adds(node):
            return gy
        blank = op.Mul(op.Cast(indices, to=gy.dtype), 0.0)
        return op.typed(op.ScatterElements(gy, indices, blank, axis=axis), gy.shape)

    _check_distinct(node, _columns(op, indices, axis))
    return of_data, None, lambda: op.typed(op.GatherElements(gy, indices, axis=axis), updates.shape)


def _columns(op: Op, indices: Tensor, axis: int) -> list[Indices] | None:
    value = op.value(indices)
    if value is None:
        return None
    return list(np.moveaxis(value, axis, -1).reshape(-1, value.shape[axis]))


@vjp("ScatterND")
def scatter_nd(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Data keeps what was not overwritten; the updates read where they were written."""
    if node.attrs.get("reduction") in REDUCTIONS:
        return met_slices(op, node, gy)
    x, indices, updates = node.inputs
    depth = indices.shape[-1]
    static = linear_places(op, indices, x.shape[:depth]) if isinstance(depth, int) else None
    _check_distinct(node, None if static is None else [static])

    def of_data() -> Tensor:
        if _adds(node):
            return gy
        if static is not None:
            return _except(op, gy, static, depth)
        blank = op.Expand(np.zeros((1,) * len(updates.shape), gy.dtype), op.Shape(updates))
        return op.typed(op.ScatterND(gy, indices, blank), x.shape)

    def of_updates() -> Tensor:
        if static is None:
            return op.typed(op.GatherND(gy, indices), updates.shape)
        return op.reshape_like(_take(op, gy, static, depth), updates)

    return of_data, None, of_updates


@vjp("OneHot")
def one_hot(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Linear in its two values, off and on: each receives gy where it stands."""
    indices, depth = node.inputs[:2]
    still = [zeros(op, t) if floating(t) else None for t in (indices, depth)]

    def of_values() -> Tensor:
        axes = list(range(len(gy.shape)))
        mask = op.OneHot(indices, depth, np.array([0, 1], gy.dtype), axis=node.attrs["axis"])
        on = op.ReduceSum(op.Mul(gy, mask), axes, keepdims=0)
        off = op.Sub(op.ReduceSum(gy, axes, keepdims=0), on)
        return op.Concat(op.Reshape(off, [1]), op.Reshape(on, [1]), axis=0)

    return *still, of_values


def _adds(node: Node) -> bool:
    return bool(node.attrs.get("reduction", "none") == "add")


def _check_distinct(node: Node, groups: list[Indices] | None) -> None:
    if not _adds(node) and any(len(set(g.tolist())) < len(g) for g in groups or ()):
        raise unsupported(node, "indices repeat, so that the order of writing decides")


def _except(op: Op, g: Tensor, linear: Indices, depth: int) -> Tensor:
    """g, zero at the places `linear` of the first `depth` axes made one."""
    rank = len(g.shape)
    kept = np.ones(g.shape[:depth], bool)
    kept.flat[linear] = False
    if not kept.any():
        return op.constant(np.zeros((1,) * rank, g.dtype))
    return op.Where(op.constant(kept.reshape(*kept.shape, *[1] * (rank - depth))), g, 0.0)


def _take(op: Op, g: Tensor, linear: Indices, depth: int) -> Tensor:
    """The slices of g at the places `linear` of its first `depth` axes made one."""
    flat = g if depth == 1 else one_axis(op, g, 0, depth)
    found = list(runs(linear))
    if len(found) == 1 and found[0].step > 0:
        run = found[0]
        stop = run.first + run.step * (run.count - 1) + 1
        return op.Slice(flat, [run.first], [stop], [0], [run.step])
    return op.Gather(flat, linear.astype(np.int64), axis=0)


@vjp("TensorScatter")
def tensor_scatter(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """A run of slices overwritten from each row's own index on, round the end if it is circular."""
    past, update = node.inputs[:2]
    starts, rank = optional(node, 2), len(past.shape)
    axis = node.attrs["axis"] % rank
    size, count = extent(op, past, axis), extent(op, update, axis)
    first = op.constant(np.zeros(1, np.int64)) if starts is None else starts
    first = op.Reshape(first, [-1, *[1] * (rank - 1)])
    along = [-1 if i == axis else 1 for i in range(rank)]

    def turned(places: Tensor) -> Tensor:
        return op.Mod(places, size) if node.attrs["mode"] == "circular" else places

    def of_past() -> Tensor:
        behind = op.Sub(op.Reshape(positions(op, size), along), first)
        behind = turned(behind)
        kept = op.Or(op.Less(behind, 0), op.GreaterOrEqual(behind, count))
        return op.Where(kept, gy, 0.0)

    def of_update() -> Tensor:
        places = turned(op.Add(op.Reshape(positions(op, count), along), first))
        everywhere = op.Expand(places, op.Shape(update))
        return op.typed(op.GatherElements(gy, everywhere, axis=axis), update.shape)

    return of_past, of_update, None
