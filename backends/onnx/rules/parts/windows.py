"""Sliding windows: the geometry that convolutions and pools share, and moving maps within it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..registry import unsupported
from .enlarged import repeated
from .extents import Extent, at_least_zero, extent, minus, plus, product, reshape, vector


@dataclass(frozen=True)
class Windows:
    """One entry a spatial axis; output cell o reads input cells o*stride - begin + t*dilation."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int | None, ...]
    """Cells padded in front; None where auto_pad meets a dynamic extent."""
    end: tuple[int | None, ...]
    lower: bool = False
    """auto_pad puts the odd cell in front."""

    def reach(self, i: int) -> int:
        """Cells between the first and the last tap."""
        return self.dilations[i] * (self.kernel[i] - 1)

    def first(self, op: Op, i: int, x: Tensor, gy: Tensor) -> Extent:
        """Cells padded in front of x along spatial axis i."""
        if self.begin[i] is not None:
            return self.begin[i]
        covered = product(op, [minus(op, extent(op, gy, i + 2), 1), self.strides[i]])
        covered = plus(op, covered, self.reach(i) + 1)
        total = at_least_zero(op, minus(op, covered, extent(op, x, i + 2)))
        return op.Div(op.Add(total, 1) if self.lower else total, 2)

    def attributes(self) -> dict[str, Any]:
        """Strides and dilations as a node takes them, left out where they are 1."""
        given = {"strides": self.strides, "dilations": self.dilations}
        return {k: list(v) for k, v in given.items() if any(one != 1 for one in v)}


def windows_of(node: Node, kernel: Sequence[Any], extents: Sequence[Any]) -> Windows:
    """The windows of a convolution or pool over spatial `extents`, pads resolved.

    Raises:
        UnsupportedOpError: the kernel's size is not known, or pads are negative.
    """
    rank = len(kernel)
    if not all(isinstance(k, int) for k in kernel):
        raise unsupported(node, "the kernel's size is dynamic")
    strides = tuple(node.attrs.get("strides") or (1,) * rank)
    dilations = tuple(node.attrs.get("dilations") or (1,) * rank)
    auto = node.attrs.get("auto_pad", "NOTSET")
    begin: list[int | None]
    end: list[int | None]
    if auto in ("NOTSET", "", "VALID"):
        pads = (node.attrs.get("pads") if auto != "VALID" else None) or (0,) * (2 * rank)
        if any(p < 0 for p in pads):
            raise unsupported(node, "pads are negative, which ONNX does not allow")
        begin, end = list(pads[:rank]), list(pads[rank:])
    else:
        begin, end = [], []
        for k, s, d, size in zip(kernel, strides, dilations, extents, strict=True):
            total = _same(d * (k - 1) + 1, s, size)
            front = None if total is None else (total + (auto == "SAME_LOWER")) // 2
            begin.append(front)
            end.append(None if total is None or front is None else total - front)
    return Windows(
        tuple(kernel), strides, dilations, tuple(begin), tuple(end), auto == "SAME_LOWER"
    )


def _same(span: int, stride: int, size: Any) -> int | None:
    """Cells that auto_pad=SAME_* adds in total."""
    if stride == 1:
        return span - 1
    if not isinstance(size, int):
        return None
    return max((math.ceil(size / stride) - 1) * stride + span - size, 0)


def window(
    op: Op,
    g: Tensor,
    spans: Mapping[int, tuple[Extent, Extent]],
    *,
    fill: float = 0.0,
    slack: tuple[int, int] = (0, 0),
) -> Tensor:
    """out[i] = g[start + i] for i < length along each axis of `spans`, `fill` where g ends.

    Where an extent is dynamic, g is first widened by `slack`, which must suffice in any case.
    """
    rank = len(g.shape)
    pads = [0] * (2 * rank)
    cuts: dict[int, tuple[Extent, Extent]] = {}
    for axis, (start, length) in spans.items():
        have = g.shape[axis]
        if isinstance(have, int) and isinstance(start, int) and isinstance(length, int):
            pads[axis], pads[axis + rank] = max(-start, 0), max(start + length - have, 0)
            if start > 0 or start + length < have:
                cuts[axis] = (max(start, 0), start + length + pads[axis])
        else:
            pads[axis], pads[axis + rank] = slack
            first = plus(op, start, slack[0])
            cuts[axis] = (first, plus(op, first, length))
    if any(pads):
        g = op.Pad(g, pads, np.array(fill, g.dtype)) if fill else op.Pad(g, pads)
    if cuts:
        starts, ends = (vector(op, [cut[i] for cut in cuts.values()]) for i in (0, 1))
        shape = [spans[a][1] if a in cuts else have for a, have in enumerate(g.shape)]
        cut = op.Slice(g, starts, ends, list(cuts))
        g = op.typed(cut, tuple(s if isinstance(s, int | str) else None for s in shape))
    return g


def apart(op: Op, g: Tensor, strides: Sequence[int]) -> Tensor:
    """g [N, C, *S] with stride - 1 zeros after every cell."""
    space = range(2, len(g.shape))
    if all(s == 1 for s in strides):
        return g
    if all(isinstance(g.shape[axis], int) for axis in space):
        combs = [
            np.arange(g.shape[axis] * s) % s == 0 for axis, s in zip(space, strides, strict=True)
        ]
        comb = functools.reduce(np.multiply.outer, combs)
        return op.Mul(repeated(op, g, strides), comb.astype(g.dtype))
    places = [2 * axis - 1 for axis in space]
    rank = len(g.shape) + len(places)
    pads = [0] * (2 * rank)
    for place, stride in zip(places, strides, strict=True):
        pads[place + rank] = stride - 1
    sizes = [extent(op, g, 0), extent(op, g, 1)]
    sizes += [product(op, [extent(op, g, axis), s]) for axis, s in zip(space, strides, strict=True)]
    return reshape(op, op.Pad(op.Unsqueeze(g, places), pads), sizes)


def surround(op: Op, g: Tensor, geometry: Windows, x: Tensor) -> tuple[Tensor, list[int]]:
    """(g, pads) such that windows of stride 1 over g so padded leave exactly the shape of x."""
    rank = len(geometry.kernel)
    begin, end = [0] * rank, [0] * rank
    spans: dict[int, tuple[Extent, Extent]] = {}
    most = 0
    for i in range(rank):
        front, back = geometry.begin[i], geometry.end[i]
        assert front is not None
        assert back is not None
        reach, have, want = geometry.reach(i), g.shape[i + 2], x.shape[i + 2]
        begin[i] = reach - front
        if isinstance(have, int) and isinstance(want, int):
            end[i] = want + front - have
        elif geometry.strides[i] == 1:
            end[i] = reach - back
        else:  # the rest that no window covers is known at run time only
            length = plus(op, extent(op, x, i + 2), reach)
            spans[i + 2] = (-begin[i], length)
            most = max(most, abs(begin[i]), abs(back) + reach + geometry.strides[i])
            begin[i] = end[i] = 0
            continue
        if begin[i] < 0 or end[i] < 0:
            crop = max(-begin[i], 0)
            spans[i + 2] = (crop, minus(op, extent(op, g, i + 2), crop + max(-end[i], 0)))
            begin[i], end[i] = max(begin[i], 0), max(end[i], 0)
    g = window(op, g, spans, slack=(most, most))
    return g, begin + end
