"""Pools that average or take a norm, written as averages again: no scatter and no matrices. And
the inverse of a MaxPool.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import sign
from ...writing.op import Op
from ..parts.enlarged import repeated
from ..parts.extents import extent, minus, plus, product, reshape, vector
from ..parts.windows import Windows, apart, surround, window, windows_of
from ..registry import Cotangent, vjp
from .convolution import image_cotangent


@vjp("GlobalAveragePool")
def global_average_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    x = node.inputs[0]
    cells = product(op, [extent(op, x, axis) for axis in range(2, len(x.shape))])
    share = 1 / cells if isinstance(cells, int) else None
    mean = op.Div(gy, op.Cast(cells, to=gy.dtype)) if share is None else op.Mul(gy, share)
    return op.expand_like(mean, x)


@vjp("AveragePool")
def average_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """Each cell gets gy / count of every window that it lies in."""
    x, kernel = node.inputs[0], node.attrs["kernel_shape"]
    geometry = windows_of(node, kernel, x.shape[2:])
    unpadded = all(p == 0 for p in (*geometry.begin, *geometry.end))
    undilated = all(d == 1 for d in geometry.dilations)
    if unpadded and math.prod(kernel) == math.prod(geometry.strides) == 1:
        return gy
    if unpadded and undilated and tuple(kernel) == tuple(x.shape[2:]):
        return op.expand_like(op.Mul(gy, 1 / math.prod(kernel)), x)
    if unpadded and undilated and _tiles(geometry, x):
        return op.typed(repeated(op, op.Mul(gy, 1 / math.prod(kernel)), kernel), x.shape)
    return _shared(op, _per_cell(op, node, gy, geometry, x), geometry, x)


@vjp("LpPool")
def lp_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """y^p = sum |x|^p: each cell gets gy (|x| / y)^(p - 1) sign(x) of every window it lies in."""
    x, y, p = node.inputs[0], node.outputs[0], node.attrs["p"]
    geometry = windows_of(node, node.attrs["kernel_shape"], x.shape[2:])
    share = _shared(op, _over_norm(op, gy, y, p), geometry, x)
    cells = math.prod(geometry.kernel)
    return op.Mul(op.Mul(share, float(cells)), _power(op, x, p))


@vjp("GlobalLpPool")
def global_lp_pool(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """gy (|x| / y)^(p - 1) sign(x)."""
    x, y, p = node.inputs[0], node.outputs[0], node.attrs["p"]
    return op.Mul(_over_norm(op, gy, y, p), _power(op, x, p))


def _over_norm(op: Op, gy: Tensor, y: Tensor, p: int) -> Tensor:
    """gy / y^(p - 1); where the norm y is 0 all of x is."""
    if p == 1:
        return gy
    safe = op.Where(op.Equal(y, 0.0), 1.0, y)
    return op.Div(gy, safe if p == 2 else op.Pow(safe, float(p - 1)))


def _power(op: Op, x: Tensor, p: int) -> Tensor:
    """|x|^(p - 1) sign(x), by products only for the powers that models have."""
    if p == 1:
        return sign(op, x)
    if p == 2:
        return x
    return op.Mul(x, op.Abs(x) if p == 3 else op.Pow(op.Abs(x), float(p - 2)))


def _shared(op: Op, g: Tensor, geometry: Windows, x: Tensor) -> Tensor:
    """Each cell gets g / prod(kernel) of every window that it lies in."""
    if all(d == 1 for d in geometry.dilations):
        return op.typed(_averaged(op, g, geometry, x), x.shape)
    share = np.full((1, 1, *geometry.kernel), 1 / math.prod(geometry.kernel), g.dtype)
    single, maps = _single(op, g), _single(op, x)
    return op.reshape_like(image_cotangent(op, single, op.constant(share), geometry, 1, maps), x)


def _single(op: Op, x: Tensor) -> Tensor:
    """[N, C, *S] -> [N C, 1, *S]."""
    sizes = [extent(op, x, axis) for axis in range(len(x.shape))]
    return reshape(op, x, [product(op, sizes[:2]), 1, *sizes[2:]])


def _tiles(geometry: Windows, x: Tensor) -> bool:
    """Do the windows cover x without overlap, gap or overhang?"""
    if geometry.kernel != geometry.strides:
        return False
    sizes = zip(x.shape[2:], geometry.kernel, strict=True)
    return all(isinstance(s, int) and s % k == 0 for s, k in sizes)


def _averaged(op: Op, gy: Tensor, geometry: Windows, x: Tensor) -> Tensor:
    """The sum of all windows' cotangents: prod(kernel) times an average with stride 1."""
    g = apart(op, gy, geometry.strides)
    rank = len(geometry.kernel)
    if None in geometry.begin:
        spans = {}
        for i in range(rank):
            first = minus(op, geometry.first(op, i, x, gy), geometry.reach(i))
            spans[i + 2] = (first, plus(op, extent(op, x, i + 2), geometry.reach(i)))
        most = max(geometry.reach(i) + geometry.strides[i] for i in range(rank))
        g, pads = window(op, g, spans, slack=(most, most)), [0] * (2 * rank)
    else:
        g, pads = surround(op, g, geometry, x)
    kernel = list(geometry.kernel)
    return op.AveragePool(g, kernel_shape=kernel, pads=pads, count_include_pad=1)


def _per_cell(op: Op, node: Node, gy: Tensor, geometry: Windows, x: Tensor) -> Tensor:
    """gy * prod(kernel) / count, where count leaves out overhang and, by default, padding."""
    padded = bool(node.attrs.get("count_include_pad", 0))
    spatial = (*x.shape[2:], *gy.shape[2:])
    if all(isinstance(s, int) for s in spatial):
        ratios = [_ratio(geometry, i, x, gy, padded) for i in range(len(geometry.kernel))]
        ratio = functools.reduce(np.multiply.outer, ratios)
        return gy if (ratio == 1).all() else op.Mul(gy, ratio.astype(gy.dtype))
    overhang = bool(node.attrs.get("ceil_mode", 0)) and None not in geometry.begin
    if padded and not overhang:
        return gy
    count = _counted(op, node, gy, geometry, x, padded)
    return op.Mul(gy, op.Div(float(math.prod(geometry.kernel)), count))


def _ratio(geometry: Windows, i: int, x: Tensor, gy: Tensor, padded: bool) -> np.ndarray[Any, Any]:
    """kernel / count along one axis."""
    begin, end = geometry.begin[i] or 0, geometry.end[i] or 0
    offsets = np.arange(geometry.kernel[i]) * geometry.dilations[i]
    cells = np.arange(gy.shape[i + 2])[:, None] * geometry.strides[i] - begin + offsets
    low, high = (-begin, x.shape[i + 2] + end) if padded else (0, x.shape[i + 2])
    count = ((cells >= low) & (cells < high)).sum(1)
    return np.asarray(geometry.kernel[i] / np.maximum(count, 1))


def _counted(op: Op, node: Node, gy: Tensor, geometry: Windows, x: Tensor, padded: bool) -> Tensor:
    """The count [1, 1, *S'] at run time: windows summed over ones."""
    rank = len(geometry.kernel)
    sizes = [extent(op, x, i + 2) for i in range(rank)]
    pads = [*geometry.begin, *geometry.end]
    if padded:
        sizes = [plus(op, s, (pads[i] or 0) + (pads[i + rank] or 0)) for i, s in enumerate(sizes)]
        pads = [0] * (2 * rank)
    ones = op.Expand(np.ones((1,) * (rank + 2), gy.dtype), vector(op, [1, 1, *sizes]))
    kernel = np.ones((1, 1, *geometry.kernel), gy.dtype)
    attrs = geometry.attributes()
    if None in pads:
        return op.Conv(ones, kernel, auto_pad=node.attrs["auto_pad"], **attrs)
    if node.attrs.get("ceil_mode", 0):
        wider = [(p or 0) + geometry.strides[i] - 1 for i, p in enumerate(pads[rank:])]
        count = op.Conv(ones, kernel, pads=pads[:rank] + wider, **attrs)
        return window(op, count, {i + 2: (0, extent(op, gy, i + 2)) for i in range(rank)})
    return op.Conv(ones, kernel, pads=pads, **attrs)


@vjp("MaxUnpool")
def max_unpool(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Each value reads where it was written: an index counts cells of the whole output."""
    x, indices = node.inputs[:2]
    return op.typed(op.Gather(op.Reshape(gy, [-1]), indices, axis=0), x.shape), None, None
