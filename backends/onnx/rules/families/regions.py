"""Pooling of a detector's regions, spelled out as products with matrices of weights: [R, O, H] says
how much row h of the map counts for row o of region r.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32
from ...writing.op import Op
from ..parts.extents import Extent, as_number, extent, minus, positions, product, reshape
from ..spelled_out import body


class Samples(NamedTuple):
    """Where the regions are read along one axis: [R, O, G], G samples for each of O bins."""

    low: Tensor
    """The cell before the position, as a float."""
    rest: Tensor
    """How far behind it."""
    there: Tensor
    """1 where the position lies on the map, or by less than a cell beside it."""
    used: Tensor | None
    """Is it a sample of this region, where their number depends on the region's size?"""
    count: Any
    """How many there are, at least 1."""


@body("RoiAlign")
def roi_align(op: Op, node: Node) -> Tensor:
    """x [N, C, H, W] -> [R, C, O, P]: bilinear samples of each bin, averaged or the largest."""
    x, rois, batch = node.inputs
    count = rois.shape[0]
    if isinstance(count, int) and count:
        return _pooled(op, node, x, rois, batch)
    one_more = _pooled(op, node, x, *_beside_nothing(op, rois, batch))
    return op.Slice(one_more, [0], [-1], [0])


def _beside_nothing(op: Op, rois: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
    """The regions, and one more of no picture, where there may be none.

    A level of a pyramid without a region has the product of a matrix [H, 0] and maps [C, 0, W] in
    its derivative: zeros, and in onnxruntime 1.31 whatever lay in memory.
    """
    region, nobody = np.zeros((1, rois.shape[1]), rois.dtype), np.array([-1], batch.dtype)
    return op.Concat(rois, region, axis=0), op.Concat(batch, nobody, axis=0)


def _pooled(op: Op, node: Node, x: Tensor, rois: Tensor, batch: Tensor) -> Tensor:
    high, wide = extent(op, x, 2), extent(op, x, 3)
    rows = _samples(op, node, rois, 1, node.attrs["output_height"], high)
    columns = _samples(op, node, rois, 0, node.attrs["output_width"], wide)
    if node.attrs["mode"] == "max":
        return _largest(op, x, batch, rows, columns, (high, wide))
    down = _matrix(op, rows, high, x)
    across = _matrix(op, columns, wide, x)
    images = extent(op, x, 0)
    own = op.Equal(op.Unsqueeze(batch, [1]), op.Unsqueeze(positions(op, images, batch.dtype), [0]))
    own = op.Unsqueeze(op.Cast(own, to=x.dtype), [1, 3])
    regions, bins = extent(op, rois, 0), node.attrs["output_height"]
    down = op.Mul(op.Unsqueeze(down, [2]), own)  # [R, O, N, H]
    down = reshape(op, down, [product(op, [regions, bins]), product(op, [images, high])])
    channels = extent(op, x, 1)
    maps = op.Transpose(x, perm=[1, 0, 2, 3])
    maps = reshape(op, maps, [channels, product(op, [images, high]), wide])
    bands = reshape(op, op.MatMul(down, maps), [channels, regions, bins, wide])
    pooled = op.MatMul(bands, op.Transpose(across, perm=[0, 2, 1]))
    return op.Transpose(pooled, perm=[1, 0, 2, 3])


def _samples(op: Op, node: Node, rois: Tensor, side: int, bins: int, size: Extent) -> Samples:
    """`side`: the corner's coordinate in rois [R, 4]; the opposite corner's is two further."""
    halves = node.attrs.get("coordinate_transformation_mode") == "half_pixel"
    ratio = int(node.attrs["sampling_ratio"])
    boxes = op.Mul(at_least_float32(op, rois), float(node.attrs["spatial_scale"]))
    boxes = op.Sub(boxes, 0.5) if halves else boxes
    start, end = (op.Gather(boxes, np.array([i]), axis=1) for i in (side, side + 2))
    length = op.Sub(end, start)
    length = length if halves else op.Max(length, 1.0)
    length, start = op.Unsqueeze(length, [2]), op.Unsqueeze(start, [2])  # [R, 1, 1]
    bin_size = op.Div(length, float(bins))
    if ratio > 0:
        taps: Tensor = op.constant(np.arange(ratio, dtype=start.dtype))
        count, used = float(ratio), None
    else:
        wanted = op.Ceil(bin_size)
        count = op.Max(wanted, 1.0)
        most = op.Cast(op.ReduceMax(count, keepdims=0), to=np.int64)
        taps = positions(op, op.Unsqueeze(most, [0]), start.dtype)
        used = op.Less(taps, wanted)
    steps = op.Div(op.Mul(op.Add(taps, 0.5), bin_size), count)
    first = np.arange(bins, dtype=start.dtype)[:, None]
    at = op.Add(op.Add(start, op.Mul(bin_size, first)), steps)
    there = op.And(op.GreaterOrEqual(at, -1.0), op.LessOrEqual(at, as_number(op, size, at)))
    inside = op.Clip(at, 0.0, as_number(op, minus(op, size, 1), at))
    low = op.Floor(inside)
    return Samples(low, op.Sub(inside, low), op.Cast(there, to=at.dtype), used, count)


def _matrix(op: Op, samples: Samples, size: Extent, x: Tensor) -> Tensor:
    """[R, O, size]: the mean over the samples of each bin."""
    there = samples.there
    if samples.used is not None:
        there = op.Mul(there, op.Cast(samples.used, to=there.dtype))
    cells = positions(op, size, there.dtype)
    low = op.Unsqueeze(samples.low, [3])
    weights = []
    for step, weight in enumerate((op.Sub(1.0, samples.rest), samples.rest)):
        met = op.Cast(op.Equal(op.Add(low, float(step)), cells), to=there.dtype)
        weights.append(op.Mul(met, op.Unsqueeze(op.Mul(weight, there), [3])))
    total = op.ReduceSum(op.Add(*weights), [2], keepdims=0)
    return op.Cast(op.Div(total, samples.count), to=x.dtype)


def _largest(
    op: Op,
    x: Tensor,
    batch: Tensor,
    rows: Samples,
    columns: Samples,
    sizes: tuple[Extent, Extent],
) -> Tensor:
    """The largest weighted cell of all samples: the four neighbours of a sample are not summed."""
    high, wide = sizes
    corners = [_corners(op, samples, size) for samples, size in ((rows, high), (columns, wide))]
    (top, top_weight), (left, left_weight) = corners  # [R, O, G, 2] each
    top, top_weight = (op.Unsqueeze(t, [2, 5, 6]) for t in (top, top_weight))
    left, left_weight = (op.Unsqueeze(t, [1, 3, 4]) for t in (left, left_weight))
    image = op.Mul(op.Cast(batch, to=np.int64), high)
    cell = op.Add(op.Mul(op.Add(op.Unsqueeze(image, [1, 2, 3, 4, 5, 6]), top), wide), left)
    area = product(op, [extent(op, x, 0), high, wide])
    flat = reshape(op, op.Transpose(x, perm=[0, 2, 3, 1]), [area, extent(op, x, 1)])
    weight = op.Cast(op.Unsqueeze(op.Mul(top_weight, left_weight), [7]), to=x.dtype)
    found = op.Mul(op.Gather(flat, cell, axis=0), weight)  # [R, O, P, G, 2, G', 2, C]
    lowest = float(np.finfo(x.dtype).min)
    for samples, axes in ((rows, [2, 4, 5, 6, 7]), (columns, [1, 3, 4, 6, 7])):
        if samples.used is not None:
            found = op.Where(op.Unsqueeze(samples.used, axes), found, lowest)
    best = op.ReduceMax(found, [3, 4, 5, 6], keepdims=0)
    return op.Transpose(best, perm=[0, 3, 1, 2])


def _corners(op: Op, samples: Samples, size: Extent) -> tuple[Tensor, Tensor]:
    """(cells, weights) [R, O, G, 2] before and behind each position."""
    low = op.Cast(samples.low, to=np.int64)
    behind = op.Min(op.Add(low, 1), minus(op, size, 1))
    cells = op.Concat(op.Unsqueeze(low, [3]), op.Unsqueeze(behind, [3]), axis=3)
    near = op.Mul(op.Sub(1.0, samples.rest), samples.there)
    far = op.Mul(samples.rest, samples.there)
    return cells, op.Concat(op.Unsqueeze(near, [3]), op.Unsqueeze(far, [3]), axis=3)
