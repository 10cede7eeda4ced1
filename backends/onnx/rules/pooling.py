"""Pools that average, written as averages again: no scatter and no matrices."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .convolution import image_cotangent
from .extents import extent, minus, plus, product, vector
from .registry import Cotangent, unsupported, vjp
from .resize import repeated
from .windows import Windows, spread, surround, window, windows_of

if TYPE_CHECKING:
    from ..emit import Emitter
    from ..prepare import Node, Tensor


@vjp("GlobalAveragePool")
def global_average_pool(op: Emitter, node: Node, gy: Tensor) -> Cotangent:
    x = node.inputs[0]
    cells = product(op, [extent(op, x, axis) for axis in range(2, len(x.shape))])
    share = 1 / cells if isinstance(cells, int) else None
    mean = op.Div(gy, op.Cast(cells, to=gy.dtype)) if share is None else op.Mul(gy, share)
    return op.expand_like(mean, x)


@vjp("AveragePool")
def average_pool(op: Emitter, node: Node, gy: Tensor) -> Cotangent:
    """Each cell gets gy / count of every window that it lies in."""
    x, kernel = node.inputs[0], node.attrs["kernel_shape"]
    geometry = windows_of(node, kernel, x.shape[2:])
    unpadded = all(p == 0 for p in (*geometry.begin, *geometry.end))
    undilated = all(d == 1 for d in geometry.dilations)
    if unpadded and undilated and tuple(kernel) == tuple(x.shape[2:]):
        return op.expand_like(op.Mul(gy, 1 / math.prod(kernel)), x)
    if unpadded and undilated and _tiles(geometry, x):
        return op.typed(repeated(op, op.Mul(gy, 1 / math.prod(kernel)), kernel), x.shape)
    g = _per_cell(op, node, gy, geometry, x)
    if undilated:
        return op.typed(_averaged(op, g, geometry, x, gy), x.shape)
    if not isinstance(x.shape[1], int):
        raise unsupported(node, "it is dilated over a dynamic number of channels")
    share = np.full((x.shape[1], 1, *kernel), 1 / math.prod(kernel), gy.dtype)
    return image_cotangent(op, g, op.constant(share), geometry, x.shape[1], x)


def _tiles(geometry: Windows, x: Tensor) -> bool:
    """Do the windows cover x without overlap, gap or overhang?"""
    if geometry.kernel != geometry.strides:
        return False
    sizes = zip(x.shape[2:], geometry.kernel, strict=True)
    return all(isinstance(s, int) and s % k == 0 for s, k in sizes)


def _averaged(op: Emitter, g: Tensor, geometry: Windows, x: Tensor, gy: Tensor) -> Tensor:
    """The sum of all windows' cotangents: prod(kernel) times an average with stride 1."""
    g = spread(op, g, geometry.strides)
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


def _per_cell(op: Emitter, node: Node, gy: Tensor, geometry: Windows, x: Tensor) -> Tensor:
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


def _counted(
    op: Emitter, node: Node, gy: Tensor, geometry: Windows, x: Tensor, padded: bool
) -> Tensor:
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
