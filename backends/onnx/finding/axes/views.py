"""Operators that show the same cells elsewhere: reshapes, slices, gathers, joins, pads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from .cells import cut, joined, picked, widened
from .factors import (
    Axes,
    Axis,
    Factor,
    Given,
    Sides,
    descends,
    fresh,
    leaves,
    loss,
    lost,
    merged,
    size,
)
from .frames import stacked
from .own_cells import of_flattened
from .regroup import regrouped
from .spans import narrowed, spans
from .table import Step, moves


@moves("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshaped(step: Step) -> Sequence[Axes | None]:
    shape = step.made[0]
    return [None if shape is None else regrouped(step.x, shape, step.lost())]


@moves("Transpose")
def transposed(step: Step) -> Sequence[Axes | None]:
    order = step.attrs.get("perm") or range(len(step.x))[::-1]
    return [tuple(step.x[int(i)] for i in order)]


@moves("Expand")
def expanded(step: Step) -> Sequence[Axes | None]:
    shape = step.made[0]
    return [None if shape is None else step.aligned([step.x], shape)]


@moves("Tile")
def tiled(step: Step) -> Sequence[Axes | None]:
    repeats = step.value(1)
    if repeats is None:
        return [step.unknown()]
    pairs = zip(step.x, repeats.ravel(), strict=True)
    return [tuple(axis if n == 1 else merged((*fresh(int(n)), *axis)) for axis, n in pairs)]


@moves("Slice")
def sliced(step: Step) -> Sequence[Axes | None]:
    starts, ends, axes, steps = (step.value(i) for i in (1, 2, 3, 4))
    shape = step.shapes[0]
    known = starts is not None and ends is not None and shape is not None
    known &= all(step.value(i) is not None for i in (3, 4) if step.given(i) is not None)
    if not known or starts is None or ends is None or shape is None:
        return [step.unknown()]
    at = range(starts.size) if axes is None else axes.ravel()
    by = np.ones(starts.size, int) if steps is None else steps.ravel()
    out = list(step.x)
    for axis, start, end, stride in zip(at, starts.ravel(), ends.ravel(), by, strict=True):
        extent, i = shape[int(axis)], int(axis) % len(out)
        stop: int | None = int(end)
        if stride < 0 and int(end) < -extent:
            stop = None
        walk = range(extent)[slice(int(start), stop, int(stride))]
        out[i] = cut(out[i], walk.start, len(walk), walk.step)
    return [tuple(out)]


@moves("Split")
def parted(step: Step) -> Sequence[Axes | None]:
    at = step.axis()
    counts = [None if shape is None else shape[at] for shape in step.made]
    if any(count is None for count in counts):
        return [step.unknown(i) for i in range(len(step.made))]
    sizes = [count for count in counts if count is not None]
    ends = accumulate(sizes)
    return [
        (*step.x[:at], cut(step.x[at], end - count, count), *step.x[at + 1 :])
        for end, count in zip(ends, sizes, strict=True)
    ]


@moves("Concat")
def concatenated(step: Step) -> Sequence[Axes | None]:
    shape = step.made[0]
    if shape is None or any(axes is None for axes in step.inputs):
        return [step.unknown()]
    at = step.axis(rank=len(shape))
    every = [axes for axes in step.inputs if axes is not None]
    frames = stacked(every, at)
    if frames is not None:
        return [frames]
    seen = _of_input(every, step.toward) or every
    out = list(step.aligned(seen, [1 if i == at else e for i, e in enumerate(shape)]))
    out[at] = _inputs_side_by_side(every, at) or joined([axes[at] for axes in every])
    return [tuple(out)]


def _of_input(parts: Sequence[Axes], name: str) -> list[Axes]:
    """The one part that descends from an input, [] where none does, or several do."""
    behind = [
        {o.input for axis in axes for o in leaves(axis) if isinstance(o, Given)} for axes in parts
    ]
    own = [axes for axes, names in zip(parts, behind, strict=True) if name in names]
    return own if len(own) == 1 else []


def _inputs_side_by_side(parts: Sequence[Axes], at: int) -> Axis | None:
    """A new axis along which places of several inputs lie; None if it is not that."""
    if len(parts) < 2 or any(size(axes[at]) != 1 for axes in parts):
        return None
    behind = [[o for axis in axes for o in leaves(axis) if isinstance(o, Given)] for axes in parts]
    placed = all(any(o.axis and o.extent > 1 for o in origins) for origins in behind)
    names = [{origin.input for origin in origins} for origins in behind]
    if not placed or any(len(own) != 1 for own in names) or len(set().union(*names)) < len(parts):
        return None
    return (Factor(Sides(inputs=tuple(own.pop() for own in names)), len(parts)),)


@moves("Pad")
def padded(step: Step) -> Sequence[Axes | None]:
    pads, given = step.value(1), step.value(3)
    if pads is None or (step.given(3) is not None and given is None):
        return [step.unknown()]
    half = pads.size // 2
    axes = range(half) if given is None else given.ravel()
    out = list(step.x)
    for axis, before, after in zip(axes, pads.ravel()[:half], pads.ravel()[half:], strict=True):
        i = int(axis) % len(out)
        out[i] = widened(out[i], int(before), int(after))
    return [tuple(out)]


@moves("CenterCropPad")
def centred(step: Step) -> Sequence[Axes | None]:
    shape, before = step.made[0], step.shapes[0]
    if shape is None or before is None:
        return [step.unknown()]
    out = list(step.x)
    for i, (want, have) in enumerate(zip(shape, before, strict=True)):
        if want < have:
            out[i] = cut(out[i], (have - want) // 2, want)
        elif want > have:
            first = (want - have) // 2
            out[i] = widened(out[i], first, want - have - first)
    return [tuple(out)]


@moves("Gather")
def gathered(step: Step) -> Sequence[Axes | None]:
    """By constant indices, an axis in another order; by data, the indices' axes in its place."""
    at, indices, shape = step.axis(), step.value(1), step.made[0]
    axis, chosen = step.x[at], step.given(1)
    if shape is None or chosen is None:
        return [step.unknown()]
    before, after = step.x[:at], step.x[at + 1 :]
    inner = shape[at : at + len(chosen)]
    if indices is not None and not indices.ndim:
        one = picked(axis, [int(indices)])
        return [regrouped([*before, one, *after], shape, step.lost())]
    if indices is not None:
        found = picked(axis, [int(i) for i in indices.ravel()]) if indices.size else fresh(0)
        return [(*before, *regrouped([found], inner, step.lost()), *after)]
    why = loss(axis)
    if descends(axis) or why is not None:
        rows = of_flattened(step, axis)
        taken = (lost(extent, why or step.lost()) for extent in inner)
        left = (*before, *(taken if rows is None else (rows,)), *after)
        return [narrowed(left, spans(step.x), step.lost())]
    return [(*before, *chosen, *after)]


@moves("DepthToSpace")
def deep_to_wide(step: Step) -> Sequence[Axes | None]:
    """[N, C b b, H, W] -> [N, C, H b, W b], as the reshapes that it stands for."""
    return [_blocks(step, "DCR" if step.attrs.get("mode", "DCR") == "DCR" else "CRD")]


def _blocks(step: Step, mode: str) -> Axes | None:
    shape, b = step.shapes[0], int(step.attrs["blocksize"])
    if shape is None:
        return step.unknown()
    n, depth, h, w = shape
    split = (n, b, b, depth // b**2, h, w) if mode == "DCR" else (n, depth // b**2, b, b, h, w)
    order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
    parts = regrouped(step.x, split, step.lost())
    return regrouped([parts[i] for i in order], (n, depth // b**2, h * b, w * b), step.lost())


@moves("SpaceToDepth")
def wide_to_deep(step: Step) -> Sequence[Axes | None]:
    shape, b = step.shapes[0], int(step.attrs["blocksize"])
    if shape is None:
        return [step.unknown()]
    n, c, h, w = shape
    parts = regrouped(step.x, (n, c, h // b, b, w // b, b), step.lost())
    order = [parts[i] for i in (0, 3, 5, 1, 2, 4)]
    return [regrouped(order, (n, c * b * b, h // b, w // b), step.lost())]
