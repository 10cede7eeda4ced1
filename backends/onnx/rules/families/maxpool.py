"""Pools that take the maximum. Ties go to the first cell in row-major order, as in torch.

A maximum over a box is a maximum over rows of maxima along rows, and the first row that holds the
maximum, then the first cell in it, is the first cell of the box: so one axis is undone at a time,
with k comparisons an axis instead of k^rank, and without indices or scatter.
"""

from __future__ import annotations

import functools

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import Extent, extent, plus, positions, product, reshape, vector
from ..parts.windows import Windows, window, windows_of
from ..registry import Cotangent, unsupported, vjp

MOST_TAPS = 1024
"""Longest window or stride that is undone tap by tap; each costs a few nodes."""


@vjp("GlobalMaxPool")
def global_max_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """All to the first maximum."""
    x = node.inputs[0]
    cells = product(op, [extent(op, x, axis) for axis in range(2, len(x.shape))])
    leading = [extent(op, x, 0), extent(op, x, 1)]
    flat = reshape(op, x, [*leading, cells])
    hit = op.Equal(positions(op, cells), op.ArgMax(flat, axis=2, keepdims=1))
    return op.reshape_like(op.Where(hit, reshape(op, gy, [*leading, 1]), 0.0), x)


@vjp("MaxPool")
def max_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """All to the first maximum of each window, one axis after the other."""
    x, y = node.inputs[0], node.outputs[0]
    geometry = windows_of(node, node.attrs["kernel_shape"], x.shape[2:])
    one_window = all(s == 1 for s in y.shape[2:]) and geometry.kernel == tuple(x.shape[2:])
    if one_window and not any(geometry.begin) and not any(geometry.end):
        return global_max_pool(op, node, gy)
    rank = len(geometry.kernel)
    if max(*geometry.kernel, *geometry.strides) > MOST_TAPS:
        raise unsupported(node, f"a window or stride exceeds {MOST_TAPS}")
    trivial = (1, 1, 0, 0)
    axes = [
        i
        for i in range(rank)
        if (geometry.kernel[i], geometry.strides[i], geometry.begin[i], geometry.end[i]) != trivial
    ]
    if not axes:
        return gy
    if not np.issubdtype(np.dtype(x.dtype), np.floating):
        x, y = op.Cast(x, to=np.float32), op.Cast(y, to=np.float32)
    # CPUs compute float16 in float32 and round it for some readers only: all is compared in float32
    half = x.dtype == np.float16
    maxima = [op.Cast(x, to=np.float32) if half else x]
    for i in axes[:0:-1]:
        maxima.append(_pooled(op, node, maxima[-1], i, geometry))
    maxima.append(_pooled(op, node, maxima[-1], axes[0], geometry) if half else y)
    g = gy
    for i in axes:
        below, above = maxima[-2], maxima.pop()
        g = op.typed(_first(op, below, above, g, i, geometry), below.shape)
    op.promises.rearranged[g.name] = gy
    return g


def _pooled(op: Op, node: Node, x: Tensor, i: int, geometry: Windows) -> Tensor:
    """The maximum over one axis of each window."""

    def only(values: tuple[int | None, ...], other: int) -> list[int]:
        return [other if v is None or j != i else v for j, v in enumerate(values)]

    attrs: dict[str, object] = {
        "kernel_shape": only(geometry.kernel, 1),
        "strides": only(geometry.strides, 1),
        "ceil_mode": node.attrs.get("ceil_mode") or None,
    }
    if geometry.dilations[i] > 1:
        attrs["dilations"] = only(geometry.dilations, 1)
    if geometry.begin[i] is None:
        attrs |= {"auto_pad": node.attrs["auto_pad"], "ceil_mode": None}
    else:
        attrs["pads"] = only(geometry.begin, 0) + only(geometry.end, 0)
    return op.MaxPool(x, **attrs)


def _first(op: Op, x: Tensor, y: Tensor, gy: Tensor, i: int, geometry: Windows) -> Tensor:
    """The cotangent of x from that of its maximum y over windows along spatial axis i.

    x is split into `stride` phases, so that tap t of every window is one contiguous slice.
    """
    axis, stride = i + 2, geometry.strides[i]
    reach, begin = geometry.reach(i), geometry.first(op, i, x, gy)
    count, margin = extent(op, gy, axis), 2 * (reach + 1) + 2 * stride
    cells = plus(op, count, reach // stride)
    length = product(op, [cells, stride])
    start = -begin if isinstance(begin, int) else op.Neg(begin)
    lowest = float(np.finfo(np.float32).min)
    grid = window(op, x, {axis: (start, length)}, fill=lowest, slack=(margin, margin))
    sizes = [extent(op, x, a) for a in range(len(x.shape))]
    phases = [grid]
    if stride > 1:
        grid = reshape(op, grid, [*sizes[:axis], cells, stride, *sizes[axis + 1 :]])
        apart = op.Split(grid, [1] * stride, axis=axis + 1, outputs=stride)
        phases = [op.Squeeze(phase, [axis + 1]) for phase in apart]
    parts = _taps(op, phases, y, gy, i, geometry, count)
    found = parts[0]
    if stride > 1:
        found = op.Concat(*(op.Unsqueeze(part, [axis + 1]) for part in parts), axis=axis + 1)
        found = reshape(op, found, [*sizes[:axis], length, *sizes[axis + 1 :]])
    return window(op, found, {axis: (begin, sizes[axis])}, slack=(margin, margin))


def _taps(
    op: Op,
    phases: list[Tensor],
    y: Tensor,
    gy: Tensor,
    i: int,
    geometry: Windows,
    count: Extent,
) -> list[Tensor]:
    """gy laid into the phases where the first tap equals y; the last tap takes what is left."""
    axis, stride, kernel = i + 2, geometry.strides[i], geometry.kernel[i]
    more, rank = geometry.reach(i) // stride, len(gy.shape)
    hits: list[list[Tensor]] = [[] for _ in phases]
    hit = rest = gy
    for t in range(kernel):
        shift, phase = divmod(t * geometry.dilations[i], stride)
        hit = rest
        if t < kernel - 1:
            tap = phases[phase]
            if more:
                tap = op.Slice(tap, [shift], vector(op, [plus(op, count, shift)]), [axis])
            first = op.Equal(op.typed(tap, y.shape), y)
            hit = op.Mul(rest, op.Cast(first, to=rest.dtype))  # faster than Where in onnxruntime
            rest = op.Sub(rest, hit)
        pads = [0] * (2 * rank)
        pads[axis], pads[axis + rank] = shift, more - shift
        hits[phase].append(op.Pad(hit, pads) if more else hit)
    nothing = op.Mul(hits[0][0], 0.0) if not all(hits) else None
    return [functools.reduce(op.Add, h) if h else nothing for h in hits]
