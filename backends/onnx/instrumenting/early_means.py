"""A mean over places, taken before the last steps of the reverse pass instead of after them.

Grad-CAM reads no gradient but its mean over space. Steps that are linear and treat all places alike
exchange with that mean: a product with a weight is then done for one row instead of one a place,
a pool that only routes need not route, and of a flattened map's weights only their means are read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..reading.graph import Node, Tensor
from ..reading.views import groups, numbers
from ..writing.op import Op
from .outer_products import weighted

Span = tuple[int, int] | None
"""The part of an axis that is averaged: from, to; None: all of it."""
Places = dict[int, Span]
"""By axis."""
GROWTH = 0.02
"""How much larger than the model's weights the file may become."""
DEEPEST = 64
"""How many steps a mean is taken back; a map that hundreds read is a long chain of sums."""


def early_mean(op: Op, x: Tensor, axes: Sequence[int]) -> Tensor | None:
    """The mean of x over `axes`, kept as 1, from what x is made of; None: nothing is saved."""
    return _Means(op).before(x, dict.fromkeys(axes))


class _Means:
    """One mean and all that it is made of; each tensor is looked at once."""

    def __init__(self, op: Op) -> None:
        self.op = op
        self._known: dict[tuple[str, tuple[Any, ...]], Tensor | None] = {}
        self._depth = 0

    def of(self, x: Tensor, places: Places) -> Tensor:
        """The mean of x over these places, kept as 1."""
        found = self.before(x, places)
        return self.here(x, places) if found is None else found

    def here(self, x: Tensor, places: Places) -> Tensor:
        """The same, of x itself."""
        cut = {axis: span for axis, span in sorted(places.items()) if span is not None}
        if cut:
            starts, stops = zip(*cut.values(), strict=True)
            x = self.op.Slice(x, list(starts), list(stops), list(cut))
        return self.op.ReduceMean(x, sorted(places), keepdims=1)

    def before(self, x: Tensor, places: Places) -> Tensor | None:
        """The same where a product, a convolution or routing is saved, else None."""
        key = x.name, tuple(sorted(places.items()))
        if key not in self._known:
            if self._depth == DEEPEST:
                return None
            self._depth += 1
            self._known[key] = self._step(x, places)
            self._depth -= 1
        return self._known[key]

    def _step(self, x: Tensor, places: Places) -> Tensor | None:
        routed, maker = self.op.promises.rearranged.get(x.name), self.op.made.get(x.name)
        if routed is not None:
            return _through_routing(self, x, routed, places)
        step = STEPS.get(maker.op) if maker is not None and x.shape is not None else None
        return None if step is None else step(self, maker, x, places)

    def several(self, parts: Sequence[Tensor], places: Places) -> list[Tensor] | None:
        """The means of all where that of one is found earlier."""
        found = [self.before(part, places) for part in parts]
        if all(mean is None for mean in found):
            return None
        pairs = zip(parts, found, strict=True)
        return [self.here(part, places) if mean is None else mean for part, mean in pairs]


Step = Callable[[_Means, Node, Tensor, Places], "Tensor | None"]
"""(means, what made x, x, places) -> x's mean, or None."""


def _space(x: Tensor, places: Places) -> bool:
    """Are these all places of a map [N, C, *S]?"""
    return set(places) == set(range(2, len(x.shape))) and not any(places.values())


def _cells(x: Tensor) -> int | None:
    extents = x.shape[2:]
    return math.prod(extents) if all(isinstance(s, int) for s in extents) else None


def _through_routing(means: _Means, x: Tensor, gy: Tensor, places: Places) -> Tensor | None:
    """Each number of gy goes to one cell of x."""
    into, cells = _cells(x), _cells(gy)
    if not _space(x, places) or into is None or cells is None:
        return None
    return means.op.Mul(means.of(gy, places), cells / into)


def _through_transpose(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    perm = list(maker.attrs["perm"])
    found = means.before(maker.inputs[0], {perm[axis]: span for axis, span in places.items()})
    return None if found is None else means.op.Transpose(found, perm=perm)


def _through_view(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Axes that are split or joined are averaged as a whole, or not at all."""
    source = maker.inputs[0]
    sizes = None if source.shape is None else numbers(source.shape, x.shape)
    if sizes is None:
        return None
    inner: Places = {}
    for old, new in groups(*sizes):
        averaged = [axis for axis in new if axis in places]
        if not averaged or not old:
            continue
        if len(old) == len(new) == 1:
            inner[old[0]] = places[new[0]]
        elif len(averaged) == len(new) and not any(places[axis] for axis in new):
            inner |= dict.fromkeys(old)
        else:
            return _columns(means, source, x, places, old, new)
    if not inner:
        return None
    found = means.before(source, inner)
    return None if found is None else _kept(means, found, x, places)


def _kept(means: _Means, found: Tensor, x: Tensor, places: Places) -> Tensor | None:
    """`found` with x's axes, the averaged ones of extent 1."""
    shape = tuple(1 if axis in places else size for axis, size in enumerate(x.shape))
    if sum(not isinstance(size, int) for size in shape) > 1:
        return None
    target = [size if isinstance(size, int) else -1 for size in shape]
    maker = means.op.made.get(found.name)
    while maker is not None and maker.op == "Reshape":  # a view of a view is a view
        found = maker.inputs[0]
        maker = means.op.made.get(found.name)
    return means.op.typed(means.op.Reshape(found, target), shape)


def _columns(
    means: _Means, product: Tensor, x: Tensor, places: Places, old: list[int], new: list[int]
) -> Tensor | None:
    """Columns of g W that are averaged are g times the mean of W's: constants, kept in the file."""
    op, maker = means.op, means.op.made.get(product.name)
    last = len(product.shape) - 1
    if maker is None or maker.op != "MatMul" or old != [last] or any(places.values()):
        return None
    g, w = maker.inputs
    apart = tuple(x.shape[axis] for axis in new)
    if set(places) - set(new) or w.shape is None or len(w.shape) != 2:
        return None
    if not all(isinstance(size, int) for size in (*w.shape, *apart)):
        return None
    over = tuple(i for i, axis in enumerate(new) if axis in places)
    narrow = _narrow(op, w, apart, over)
    return None if narrow is None else _kept(means, op.MatMul(g, narrow), x, places)


def _narrow(op: Op, w: Tensor, apart: tuple[int, ...], over: tuple[int, ...]) -> Tensor | None:
    """w [I, O], O taken `apart` and averaged `over` some of that; None: too much for the file."""
    made, key = op.promises.weight_means, (w.name, apart, over)
    if key not in made:
        kept = math.prod(size for i, size in enumerate(apart) if i not in over)
        size = w.shape[0] * kept * np.dtype(w.dtype).itemsize
        size += sum(np.asarray(held.values).nbytes for held in made.values())
        weight = _weight(op, w) if size <= GROWTH * op.graph.nbytes else None
        if weight is None:
            return None
        axes = tuple(i + 1 for i in over)
        mean = weight.reshape(len(weight), *apart).mean(axis=axes, dtype=np.float64)
        made[key] = op.constant(mean.reshape(len(weight), kept).astype(weight.dtype))
    return made[key]


def _weight(op: Op, w: Tensor) -> np.ndarray[Any, Any] | None:
    """The value of a weight, or of its transpose."""
    maker = op.made.get(w.name)
    if maker is None:
        return op.graph.weight(w)
    value = _weight(op, maker.inputs[0]) if maker.op in ("Transpose", "Neg") else None
    if value is None:
        return None
    return -value if maker.op == "Neg" else value.transpose(maker.attrs["perm"])


def _through_slice(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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


def _through_pad(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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


def _around(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """Zeros on other axes are put around the mean."""
    pads, rank = means.op.value(maker.inputs[1]), len(x.shape)
    if pads is None or len(pads) != 2 * rank or maker.attrs.get("mode", "constant") != "constant":
        return None
    if len(maker.inputs) > 2 or any(pads[axis] or pads[rank + axis] for axis in places):
        return None
    found = means.before(maker.inputs[0], places)
    return None if found is None else means.op.Pad(found, pads.tolist())


def _through_factor(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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


def _through_sum(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    if not all(_whole(part, x, places) for part in maker.inputs):
        return None
    found = means.several(maker.inputs, places)
    return None if found is None else means.op.emit(maker.op, *found)


def _through_concat(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    axis = maker.attrs["axis"] % len(x.shape)
    if axis in places:
        return _through_join(means, maker.inputs, axis, places)
    found = means.several(maker.inputs, places)
    return None if found is None else means.op.Concat(*found, axis=axis)


def _through_join(
    means: _Means, parts: Sequence[Tensor], axis: int, places: Places
) -> Tensor | None:
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


def _through_neg(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    found = means.before(maker.inputs[0], places)
    return None if found is None else means.op.Neg(found)


def _through_pool(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
    """An average over one cell is an identity."""
    one = _pointwise(maker) and not _strided(maker)
    return means.before(maker.inputs[0], places) if one else None


def _through_product(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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


def _through_convolution(means: _Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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
    "Transpose": _through_transpose,
    "Reshape": _through_view,
    "Squeeze": _through_view,
    "Unsqueeze": _through_view,
    "Slice": _through_slice,
    "Pad": _through_pad,
    "Mul": _through_factor,
    "Div": _through_factor,
    "Neg": _through_neg,
    "Add": _through_sum,
    "Sub": _through_sum,
    "Concat": _through_concat,
    "AveragePool": _through_pool,
    "MatMul": _through_product,
    "Conv": _through_convolution,
    "ConvTranspose": _through_convolution,
}
"""How a mean goes through what an operator made. To add one: a function above, a row here."""
