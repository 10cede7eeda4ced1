"""Slice and Pad, which are each other's adjoints, and what crops by a Slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import (
    Extent,
    at_least_zero,
    at_most,
    extent,
    fitted,
    minus,
    pad,
    plus,
    positions,
    product,
)
from ..parts.put_back import Indices, place, place_dynamic, spread
from ..registry import Cotangent, optional, unsupported, vjp
from ..spelled_out import body

TO_THE_END = 2**31 - 1
"""An end from here on stands for infinity."""
MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
"""ONNX's name of a border that repeats the input -> NumPy's."""


@dataclass(frozen=True)
class Cut:
    """One axis of a Slice; an end or a step that only the run time knows is None."""

    axis: int
    position: int
    start: Extent
    end: int | None
    step: int | None


@vjp("Slice")
def slice_(op: Op, node: Node, gy: Tensor) -> Cotangent:
    """Zeros before and after; where the step is not 1, zeros between as well.

    A crop that finds less than it did under the probes fails in the last Reshape.
    """
    x, y = node.inputs[0], node.outputs[0]
    g, pads, doubtful = gy, {}, False
    for cut in _cuts(op, node):
        size, count = x.shape[cut.axis], y.shape[cut.axis]
        if (cut.step or 1) < 0 and (cut.end or 0) >= TO_THE_END:
            raise unsupported(node, "it runs backwards to an end behind the axis: runtimes differ")
        if count == 0:
            return _nothing(op, node, cut)
        if _whole(cut, size, count):
            continue
        if cut.step is None:
            g = place_dynamic(op, g, cut.axis, _probe(op, node, cut), extent(op, x, cut.axis))
            continue
        # read to a fixed end of an axis that may be shorter than every probe
        doubtful |= not isinstance(size, int) and isinstance(count, int) and count > 1
        count = extent(op, y, cut.axis)
        before, lead = _lowest(op, cut, x, count), None
        if isinstance(size, int) and isinstance(before, int) and isinstance(count, int):
            lead = before % abs(cut.step)
            before -= lead
        g, wide = spread(op, g, cut.axis, cut.step, count, lead)
        pads[cut.axis] = before, _after(op, cut, x, before, wide)
    found = pad(op, g, pads, like=x)
    return op.typed(op.Reshape(found, op.Shape(x)), x.shape) if doubtful else found


def _whole(cut: Cut, size: Any, count: Any) -> bool:
    """Is all read? An end that merely lies behind every probe may cut at another extent."""
    far = cut.end is None or cut.end < 0 or cut.end >= TO_THE_END
    return cut.step == 1 and count is not None and size == count and (isinstance(size, int) or far)


def _nothing(op: Op, node: Node, cut: Cut) -> Tensor:
    """The cotangent of a Slice that reads nothing."""
    x = node.inputs[0]
    if not isinstance(x.shape[cut.axis], int):
        raise unsupported(node, f"whether it reads anything depends on axis {cut.axis}")
    return op.constant(np.zeros((1,) * len(x.shape), x.dtype))


def _cuts(op: Op, node: Node) -> Iterator[Cut]:
    x, starts, ends = node.inputs[:3]
    axes, steps = optional(node, 3), optional(node, 4)
    along = np.arange(starts.shape[0]) if axes is None else op.value(axes)
    if along is None:
        raise unsupported(node, "the axes are known at run time only")
    start, end = op.value(starts), op.value(ends)
    step = np.ones(len(along), np.int64) if steps is None else op.value(steps)
    for i, axis in enumerate(along):
        yield Cut(
            int(axis) % len(x.shape),
            i,
            _entry(op, starts, i) if start is None else int(start[i]),
            None if end is None else int(end[i]),
            None if step is None else int(step[i]),
        )


def _entry(op: Op, vector: Tensor, i: int) -> Tensor:
    """One number of a vector, as an int64 vector of one element."""
    picked = op.Slice(vector, [i], [i + 1], [0])
    return picked if np.dtype(picked.dtype) == np.int64 else op.Cast(picked, to=np.int64)


def _lowest(op: Op, cut: Cut, x: Tensor, count: Extent) -> Extent:
    """The smallest index that is read."""
    assert cut.step is not None
    size, start = extent(op, x, cut.axis), cut.start
    bound = size if cut.step > 0 else minus(op, size, 1)
    if not isinstance(start, int):
        below = op.Cast(op.Less(start, 0), to=np.int64)
        start = op.Add(start, op.Mul(below, size))
        start = at_most(op, at_least_zero(op, start), bound)
    elif start < 0:
        start = at_least_zero(op, plus(op, size, start))
    elif isinstance(size, int) or cut.step < 0:
        start = at_most(op, start, bound)
    return start if cut.step > 0 else plus(op, start, product(op, [minus(op, count, 1), cut.step]))


def _after(op: Op, cut: Cut, x: Tensor, before: Extent, wide: Extent) -> Extent:
    """How many zeros follow; static for `[a:]` and `[a:-b]` of an axis of any extent."""
    size = extent(op, x, cut.axis)
    ahead = isinstance(before, int) and cut.step == 1 and not isinstance(size, int)
    if ahead and cut.end is not None and (cut.end < 0 or cut.end >= TO_THE_END):
        return max(-cut.end, 0)
    return minus(op, minus(op, size, before), wide)


def _probe(op: Op, node: Node, cut: Cut) -> Tensor:
    """Which indices are read where even the step is known at run time only."""
    bounds = [_entry(op, t, cut.position) for t in (*node.inputs[1:3], node.inputs[4])]
    numbers = positions(op, extent(op, node.inputs[0], cut.axis))
    return op.Slice(numbers, bounds[0], bounds[1], [0], bounds[2])


@vjp("Pad")
def pad_(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The core; where the border repeats the input, the border is added back as well."""
    if node.attrs["mode"] != "constant":
        return _bordered(op, node, gy), None, None, None
    x, pads = node.inputs[:2]
    axes = optional(node, 3)
    amounts = _amounts(op, node)
    if amounts is None:
        core = op.typed(op.Pad(gy, op.Neg(pads), None, axes), x.shape)
    else:
        core = pad(op, gy, {a: (-b, -e) for a, (b, e) in amounts.items()}, like=x)

    def of_value() -> Tensor:
        return op.Sub(op.ReduceSum(gy, keepdims=0), op.ReduceSum(core, keepdims=0))

    return core, None, of_value, None


def _amounts(op: Op, node: Node) -> dict[int, tuple[int, int]] | None:
    """axis -> (before, after), where all are constant."""
    pads, axes = op.value(node.inputs[1]), _pad_axes(op, node)
    if pads is None or axes is None:
        return None
    half = len(axes)
    return {a: (int(pads[i]), int(pads[i + half])) for i, a in enumerate(axes)}


def _pad_axes(op: Op, node: Node) -> list[int] | None:
    rank = len(node.inputs[0].shape)
    given = optional(node, 3)
    value = np.arange(rank) if given is None else op.value(given)
    return None if value is None else [int(a) % rank for a in value]


def _bordered(op: Op, node: Node, g: Tensor) -> Tensor:
    x, mode = node.inputs[0], node.attrs["mode"]
    axes, amounts = _pad_axes(op, node), _amounts(op, node)
    if axes is None:
        raise unsupported(node, "the axes are known at run time only")
    for i, axis in enumerate(axes):
        size = extent(op, x, axis)
        if amounts is not None and amounts[axis] == (0, 0):
            continue
        if amounts is not None and isinstance(size, int):
            g = place(op, g, axis, _border(mode, amounts[axis], size), size)
        else:
            numbers = positions(op, size, np.float32)
            index = op.Pad(numbers, _both(op, node.inputs[1], i, len(axes)), mode=mode)
            g = place_dynamic(op, g, axis, index, size)
    return op.typed(g, x.shape)


def _border(mode: str, amount: tuple[int, int], size: int) -> Indices:
    """Which input each output reads; negative amounts crop first."""
    before, after = amount
    kept = np.arange(size)[max(-before, 0) : size - max(-after, 0)]
    return np.pad(kept, (max(before, 0), max(after, 0)), mode=MODES[mode])  # type: ignore[call-overload, no-any-return]


def _both(op: Op, pads: Tensor, i: int, count: int) -> Tensor:
    return op.Concat(_entry(op, pads, i), _entry(op, pads, i + count), axis=0)


@body("Crop")
def crop(op: Op, node: Node) -> Tensor:
    """[N, C, H, W] without its border, or `scale` rows and columns of it: the first WinML's."""
    left, top, right, bottom = node.attrs["border"]
    ends = [-bottom or TO_THE_END, -right or TO_THE_END]
    if node.attrs.get("scale"):
        rows, columns = node.attrs["scale"]
        ends = [top + rows, left + columns]
    return op.Slice(node.inputs[0], [top, left], ends, [2, 3])


@vjp("CenterCropPad")
def center_crop_pad(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Zeros where it cropped, a crop where it padded, half in front, rounded towards zero."""
    x, y = node.inputs[0], node.outputs[0]
    rank, pads = len(x.shape), {}
    for axis in node.attrs.get("axes") or range(rank):
        lost = minus(op, extent(op, x, axis % rank), extent(op, y, axis % rank))
        before = int(lost / 2) if isinstance(lost, int) else op.Div(lost, 2)
        pads[axis % rank] = before, minus(op, lost, before)
    return fitted(op, gy, pads, x), None
