"""Maps read between their cells, at computed positions: each sample is a sum of weighted taps.

Where torch has a convention it is kept: at a whole position the derivative is the one to the right,
a position moved back to the border has none.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32
from ...writing.op import Op
from ..parts.extents import Extent, as_number, extent, minus, positions, product, reshape
from ..registry import Cotangent, optional, vjp
from ..spelled_out import body

KEYS = -0.75
"""The coefficient of cubic interpolation (Keys 1981), as torch has it."""


class Tap(NamedTuple):
    """One cell along one axis and how much it counts; None: it is all."""

    index: Tensor
    weight: Tensor | None


@body("GridSample")
def grid_sample(op: Op, node: Node) -> Tensor:
    """x [N, C, *S] read at grid [N, *O, r], whose last axis counts S from behind, in [-1, 1]."""
    x, grid = node.inputs
    rank, mode = len(x.shape) - 2, str(node.attrs["mode"]).removeprefix("bi")
    corners, padding = bool(node.attrs["align_corners"]), str(node.attrs["padding_mode"])
    sizes = [extent(op, x, axis + 2) for axis in range(rank)]
    axes = []
    for axis, size in enumerate(sizes):
        normal = at_least_float32(op, op.Gather(grid, np.array(rank - 1 - axis), axis=-1))
        at = _position(op, normal, size, corners)
        axes.append(MODES[mode](op, at, size, padding, corners))
    samples = _sampled(op, x, axes, sizes)
    return op.Transpose(samples, perm=[0, rank + 1, *range(1, rank + 1)])


def _position(op: Op, normal: Tensor, size: Extent, corners: bool) -> Tensor:
    """[-1, 1] in cells, in the order of operations that the runtime has."""
    raised = op.Add(normal, 1.0)
    if corners:
        return op.Mul(op.Div(raised, 2.0), as_number(op, minus(op, size, 1), normal))
    return op.Div(op.Sub(op.Mul(raised, as_number(op, size, normal)), 1.0), 2.0)


def _sampled(op: Op, x: Tensor, axes: Sequence[Sequence[Tap]], sizes: Sequence[Extent]) -> Tensor:
    """[N, *P, C] from x [N, C, *S] and the taps [N, *P] along each axis of S."""
    space = len(sizes)
    rows = op.Transpose(x, perm=[0, *range(2, space + 2), 1])
    batch, channels = extent(op, x, 0), extent(op, x, 1)
    rows = reshape(op, rows, [product(op, [batch, *sizes]), channels])
    points = len(axes[0][0].index.shape) - 1
    image = reshape(op, positions(op, batch), [batch, *[1] * points])
    corners = [Tap(image, None)]
    for taps, size in zip(axes, sizes, strict=True):
        starts = [Tap(op.Mul(corner.index, size), corner.weight) for corner in corners]
        corners = [_beside(op, corner, tap) for corner in starts for tap in taps]
    parts = []
    for cell, weight in corners:
        read = op.Gather(rows, cell, axis=0)
        if weight is not None:
            read = op.Mul(read, op.Cast(op.Unsqueeze(weight, [-1]), to=x.dtype))
        parts.append(read)
    return functools.reduce(op.Add, parts)


def _beside(op: Op, corner: Tap, tap: Tap) -> Tap:
    """One more axis: the index within it is added, the weights are multiplied."""
    weights = [weight for weight in (corner.weight, tap.weight) if weight is not None]
    weight = functools.reduce(op.Mul, weights) if weights else None
    return Tap(op.Add(corner.index, tap.index), weight)


def _nearest(op: Op, at: Tensor, size: Extent, padding: str, corners: bool) -> list[Tap]:
    index = op.Cast(op.Round(at), to=np.int64)
    return [_padded(op, index, None, size, padding, corners)]


def _linear(op: Op, at: Tensor, size: Extent, padding: str, corners: bool) -> list[Tap]:
    last = minus(op, size, 1)
    if padding == "reflection":
        at = _folded(op, at, size, corners)
    if padding != "zeros":
        at = op.Clip(at, 0.0, as_number(op, last, at))
    low = op.Floor(at)
    rest = op.Sub(at, low)
    index = op.Cast(low, to=np.int64)
    taps = (index, op.Sub(1.0, rest)), (op.Add(index, 1), rest)
    kept = "zeros" if padding == "zeros" else "border"
    return [_padded(op, i, weight, size, kept, corners) for i, weight in taps]


def _cubic(op: Op, at: Tensor, size: Extent, padding: str, corners: bool) -> list[Tap]:
    low = op.Floor(at)
    rest = op.Sub(at, low)
    index = op.Cast(low, to=np.int64)
    distances = (op.Add(rest, 1.0), rest, op.Sub(1.0, rest), op.Sub(2.0, rest))
    weights = [_polynomial(op, d, FAR if i in (0, 3) else NEAR) for i, d in enumerate(distances)]
    return [
        _padded(op, op.Add(index, i - 1), weight, size, padding, corners)
        for i, weight in enumerate(weights)
    ]


NEAR = (KEYS + 2, -KEYS - 3, 0.0, 1.0)
"""Within one cell, highest power first."""
FAR = (KEYS, -5 * KEYS, 8 * KEYS, -4 * KEYS)
"""From one cell to two."""
MODES = {"nearest": _nearest, "linear": _linear, "cubic": _cubic}


def _polynomial(op: Op, d: Tensor, coefficients: Sequence[float]) -> Tensor:
    total = op.Mul(d, coefficients[0])
    for coefficient in coefficients[1:-1]:
        total = op.Mul(op.Add(total, coefficient), d)
    return op.Add(total, coefficients[-1])


def _padded(
    op: Op, index: Tensor, weight: Tensor | None, size: Extent, padding: str, corners: bool
) -> Tap:
    """The tap where the map ends: moved inside, or without weight."""
    last = minus(op, size, 1)
    if padding == "reflection":
        span = product(op, [2, last if corners else size])
        wide = max(span, 1) if isinstance(span, int) else op.Max(span, 1)
        turned = op.Mod(index, wide)
        index = op.Min(turned, op.Sub(span if corners else minus(op, span, 1), turned))
        return Tap(op.Max(index, 0), weight)
    inside = op.Max(op.Min(index, last), 0)
    if padding == "border":
        return Tap(inside, weight)
    there = op.Equal(index, inside)
    if weight is None:
        return Tap(inside, op.Cast(there, to=np.float32))
    return Tap(inside, op.Mul(weight, op.Cast(there, to=weight.dtype)))


def _folded(op: Op, at: Tensor, size: Extent, corners: bool) -> Tensor:
    """The position mirrored at both borders until it lies within: the outermost cells' centres,
    or their outer edges.
    """
    first = 0.0 if corners else -0.5
    span = as_number(op, minus(op, size, 1) if corners else size, at)
    span = max(span, 1.0) if isinstance(span, float) else op.Max(span, 1.0)
    away = op.Abs(op.Sub(at, first))
    turns = op.Floor(op.Div(away, span))
    rest = op.Sub(away, op.Mul(turns, span))
    odd = op.Sub(turns, op.Mul(op.Floor(op.Mul(turns, 0.5)), 2.0))
    return op.Add(op.Add(rest, op.Mul(odd, op.Sub(span, op.Mul(rest, 2.0)))), first)


@vjp("AffineGrid")
def affine_grid(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """grid = cells theta[:, :r]^T + theta[:, r], and the cells are the grid of the identity."""
    theta, size = node.inputs
    rank = gy.shape[-1]
    first = op.Concat([1], op.Slice(size, [1], [rank + 2], [0]), axis=0)
    unit = np.eye(rank, rank + 1, dtype=gy.dtype)[None]
    cells = op.AffineGrid(unit, first, align_corners=node.attrs["align_corners"])
    flat = op.Reshape(cells, [1, -1, rank])
    points = product(op, [extent(op, gy, axis + 1) for axis in range(rank)])
    g = reshape(op, gy, [extent(op, gy, 0), points, rank])
    turned = op.MatMul(op.Transpose(g, perm=[0, 2, 1]), flat)
    moved = op.Unsqueeze(op.ReduceSum(g, [1], keepdims=0), [2])
    return op.typed(op.Concat(turned, moved, axis=2), theta.shape), None


@body("DeformConv")
def deform_conv(op: Op, node: Node) -> Tensor:
    """y[o] = sum_k w[k] mask[o, k] x[o*stride - begin + k*dilation + offset[o, k]], in groups.

    x is read per group of offsets: [N G, C / G, *S].
    """
    x, w, offset = node.inputs[:3]
    bias, mask = optional(node, 3), optional(node, 4)
    parts, group = node.attrs["offset_group"], node.attrs["group"]
    kernel = w.shape[2:]
    space, cells = len(kernel), int(np.prod(kernel))
    each = w.shape[1] * group // parts
    sizes = [extent(op, x, axis + 2) for axis in range(space)]
    outer = [extent(op, offset, axis + 2) for axis in range(space)]
    batch = extent(op, x, 0)
    images = product(op, [batch, parts])
    maps = reshape(op, x, [images, each, *sizes])
    moves = reshape(op, offset, [images, cells, space, *outer])
    axes = []
    for axis, size in enumerate(sizes):
        start = _kernel_start(op, node, axis, kernel, outer[axis], w)
        at = op.Add(at_least_float32(op, op.Gather(moves, np.array(axis), axis=2)), start)
        axes.append(_linear(op, at, size, "zeros", True))
    columns = _sampled(op, maps, axes, sizes)  # [N G, K, *O, C / G]
    if mask is not None:
        columns = op.Mul(columns, reshape(op, mask, [images, cells, *outer, 1]))
    points = product(op, outer)
    rank = space + 3
    columns = op.Transpose(columns, perm=[0, rank - 1, *range(1, rank - 1)])
    columns = reshape(op, columns, [batch, group, w.shape[1] * cells, points])
    y = op.MatMul(op.Reshape(w, [group, -1, w.shape[1] * cells]), columns)
    y = reshape(op, y, [batch, w.shape[0], *outer])
    return y if bias is None else op.Add(y, op.Reshape(bias, [-1, *[1] * space]))


def _kernel_start(
    op: Op, node: Node, axis: int, kernel: Sequence[int], count: Extent, w: Tensor
) -> Tensor:
    """Where each tap of the kernel lies without an offset, [K, 1, .., count, .., 1]."""
    space = len(kernel)
    strides, dilations, pads = (node.attrs.get(n) for n in ("strides", "dilations", "pads"))
    stride = strides[axis] if strides else 1
    tap = np.indices(kernel)[axis].ravel() * (dilations[axis] if dilations else 1)
    shifts = (tap - (pads[axis] if pads else 0)).reshape(-1, *[1] * space)
    kind = np.float64 if w.dtype == np.float64 else np.float32
    along = [-1 if i == axis else 1 for i in range(space)]
    places = op.Reshape(op.Mul(positions(op, count, kind), float(stride)), along)
    return op.Add(places, shifts.astype(kind))
