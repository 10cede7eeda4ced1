"""The mean of a view, over axes that were split or joined; of a flattened map's weights too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..reading.graph import Node, Tensor
from ..writing.op import Op
from ..writing.views import groups, numbers
from .means import Means, Places

GROWTH = 0.02
"""How much larger than the model's weights the file may become."""


def through_view(means: Means, maker: Node, x: Tensor, places: Places) -> Tensor | None:
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


def _kept(means: Means, found: Tensor, x: Tensor, places: Places) -> Tensor | None:
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
    means: Means, product: Tensor, x: Tensor, places: Places, old: list[int], new: list[int]
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
