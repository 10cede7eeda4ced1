"""How a mean goes through one operator: each step is linear and treats all places alike."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from ..reading.graph import Node, Tensor
from .means import Means, Places, Step
from .outer_products import weighted
from .view_means import through_view


def _space(x: Tensor, places: Places) -> bool:
    """Are these all places of a map [N, C, *S]?"""
    return set(places) == set(range(2, len(x.shape))) and not any(places.values())


def _cells(x: Tensor) -> int | None:
    extents = x.shape[2:]
    return math.prod(extents) if all(isinstance(s, int) for s in extents) else None


def _routing(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Each number of what was rearranged goes to one cell of x."""
    gy = means.op.promises.rearranged[x.name]
    into, cells = _cells(x), _cells(gy)
    if not _space(x, places) or into is None or cells is None:
        return None
    return means.op.Mul(means.of(gy, places), cells / into)


def _transpose(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    perm = list(maker.attrs["perm"])
    found = means.before(maker.inputs[0], {perm[axis]: span for axis, span in places.items()})
    return None if found is None else means.op.Transpose(found, perm=perm)


def _slice(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """A part of an axis that is averaged is averaged; a part of another is one of the mean."""
    source, values = maker.inputs[0], [means.op.value(t) for t in maker.inputs[1:]]
    if len(values) < 3 or any(v is None for v in values):
        return None
    starts, stops, axes, *steps = (v.tolist() for v in values if v is not None)
    if any(step != 1 for each in steps for step in each):
        return None
    inner, others = dict(places), []
    for start, stop, axis in zip(starts, stops, (a % len(source.shape) for a in axes), strict=True):
        if axis not in places:
            others.append((start, stop, axis))
            continue
        if not isinstance(source.shape[axis], int):
            return None
        begin, end, _ = slice(start, stop).indices(source.shape[axis])
        first, last = places[axis] or (0, end - begin)
        inner[axis] = begin + first, begin + last
    found = means.before(source, inner)
    if found is None or not others:
        return found
    return means.op.Slice(found, *(list(part) for part in zip(*others, strict=True)))


def _pad(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Zeros count, but need not be added."""
    padded = means.op.promises.padded.get(x.name)
    if padded is None or padded.axis not in places:
        return _around(means, maker, x, places)
    low, high = places[padded.axis] or (0, padded.extent)
    begin = max(low - padded.before, 0)
    end = min(high, padded.extent - padded.after) - padded.before
    if end <= begin:
        return means.op.Mul(means.here(padded.core, dict.fromkeys(places)), 0.0)
    whole = (begin, end) == (0, padded.core.shape[padded.axis])
    inner = places | {padded.axis: None if whole else (begin, end)}
    return means.op.Mul(means.of(padded.core, inner), (end - begin) / (high - low))


def _around(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Zeros on other axes are put around the mean."""
    pads, rank = means.op.value(maker.inputs[1]), len(x.shape)
    if pads is None or len(pads) != 2 * rank or maker.attrs.get("mode", "constant") != "constant":
        return None
    if len(maker.inputs) > 2 or any(pads[axis] or pads[rank + axis] for axis in places):
        return None
    found = means.before(maker.inputs[0], places)
    return None if found is None else means.op.Pad(found, pads.tolist())


def _expand(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """The mean of what was only repeated is the thing itself."""
    under = means.op.promises.beneath(x)
    kept = (1 if axis in places else size for axis, size in enumerate(x.shape))
    return under if under is not x and tuple(under.shape) == tuple(kept) else None


def _factor(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """A factor that is the same at all places."""
    a, b = maker.inputs
    for inner, factor in ((a, b), (b, a))[: 1 if maker.op == "Div" else 2]:
        if _same(factor, len(x.shape), places) and _whole(inner, x, places):
            found = means.before(inner, places)
            if found is not None:
                return means.op.emit(maker.op, found, factor)

    row = len(x.shape) - 2
    if maker.op != "Mul" or set(places) != {row} or not isinstance(x.shape[row], int):
        return None
    both = ((a, b), (b, a))
    found = (weighted(means.op, r, f, places[row]) for r, f in both if _whole(r, x, places))
    return next((mean for mean in found if mean is not None), None)


def _same(factor: Tensor, rank: int, places: Places) -> bool:
    """Has it one number for all places?"""
    if factor.shape is None:
        return False
    at = [axis - rank + len(factor.shape) for axis in places]
    return all(axis < 0 or factor.shape[axis] == 1 for axis in at)


def _whole(part: Tensor, x: Tensor, places: Places) -> bool:
    """Has it all of x's places, so that nothing is broadcast along them?"""
    if part.shape is None or len(part.shape) != len(x.shape):
        return False
    return all(part.shape[axis] == x.shape[axis] is not None for axis in places)


def _sum(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    if not all(_whole(part, x, places) for part in maker.inputs):
        return None
    found = means.several(maker.inputs, places)
    return None if found is None else means.op.emit(maker.op, *found)


def _concat(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    axis = maker.attrs["axis"] % len(x.shape)
    if axis in places:
        return _join(means, maker.inputs, axis, places)
    found = means.several(maker.inputs, places)
    return None if found is None else means.op.Concat(*found, axis=axis)


def _join(means: Means, parts: Sequence[Tensor], axis: int, places: Places) -> Tensor | None:
    """What lies one behind the other is averaged by itself, as far as it counts."""
    sizes = [part.shape[axis] for part in parts]
    if not all(isinstance(size, int) for size in sizes):
        return None
    low, high = places[axis] or (0, sum(sizes))
    inner: list[tuple[Tensor, Places, float]] = []
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        begin, end = max(low - start, 0), min(high - start, size)
        if begin < end:
            span = None if (begin, end) == (0, size) else (begin, end)
            inner.append((part, places | {axis: span}, (end - begin) / (high - low)))
        start += size
    if all(means.before(part, where) is None for part, where, _ in inner):
        return None
    shares = [
        means.of(part, where) if share == 1 else means.op.Mul(means.of(part, where), share)
        for part, where, share in inner
    ]
    return functools.reduce(means.op.Add, shares)


def _neg(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    found = means.before(maker.inputs[0], places)
    return None if found is None else means.op.Neg(found)


def _pool(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """An average over one cell is an identity."""
    one = _pointwise(maker) and not _strided(maker)
    return means.before(maker.inputs[0], places) if one else None


def _product(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Rows of A B are rows of A, columns are columns of B."""
    a, b = maker.inputs
    rank, row = len(x.shape), len(x.shape) - 2
    if min(len(a.shape), len(b.shape)) < 2:
        return None
    rows = set(places) == {row} or (len(b.shape) == 2 and rank - 1 not in places)
    if rows and len(a.shape) == rank:
        return means.op.MatMul(means.of(a, places), b)
    if set(places) == {rank - 1} and len(b.shape) == rank and not means.op.graph.constant(b):
        return means.op.MatMul(a, means.of(b, places))
    return None


def _convolution(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """A convolution with one cell is a product at each place; a transposed one may add zeros."""
    g, op = maker.inputs[0], means.op
    attrs = {name: maker.attrs[name] for name in ("kernel_shape", "group") if name in maker.attrs}
    if not _pointwise(maker) or not _space(x, places):
        return None
    if maker.op == "Conv":
        plain = not _strided(maker)
        return op.Conv(means.of(g, places), *maker.inputs[1:], **attrs) if plain else None
    into, cells = _cells(x), _cells(g)
    if into is None or cells is None or len(maker.inputs) > 2:
        return None
    return op.Mul(op.ConvTranspose(means.of(g, places), maker.inputs[1], **attrs), cells / into)


def _strided(maker: Node) -> bool:
    return any(stride != 1 for stride in maker.attrs.get("strides") or [])


def _pointwise(maker: Node) -> bool:
    """Does its window hold one cell, as far as is said, and reach over no edge?"""
    kernel, pads = maker.attrs.get("kernel_shape") or [0], maker.attrs.get("pads") or [0]
    return all(k == 1 for k in kernel) and not any(pads) and "auto_pad" not in maker.attrs


STEPS: dict[str, Step] = {
    "routing": _routing,
    "Transpose": _transpose,
    "Reshape": through_view,
    "Squeeze": through_view,
    "Unsqueeze": through_view,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Mul": _factor,
    "Div": _factor,
    "Neg": _neg,
    "Add": _sum,
    "Sub": _sum,
    "Concat": _concat,
    "AveragePool": _pool,
    "MatMul": _product,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
}
"""How a mean goes through what an operator made, and through what only went elsewhere ("routing").

To add one: a function above, a row here."""
