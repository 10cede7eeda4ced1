"""What targets are made of, as nodes: classes, the rows that are one at them, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, cast

import numpy as np

from cam_core.errors import TargetError
from cam_core.targets import scores
from cam_core.targets.classes.finer import nearest

from ..reading.graph import Tensor
from ..writing.op import Op
from .trace import Traced, traces

BEYOND = 1e30
"""A distance that no two scores have."""


def pooled(y: Traced, class_axis: int) -> Tensor:
    """y [N, C]: a dense score summed over its positions."""
    summed: Any = scores.pool(y, class_axis)  # type: ignore[arg-type]
    return summed.tensor


@traces(scores.one_hot)
def one_hot(op: Op, y: Traced, classes: Traced, class_axis: int = 1) -> Tensor:
    """A constant where the class is known; else its rows are said to be unit vectors, so that a
    product with a weight reads one row of it.
    """
    axis = class_axis % y.ndim
    shape = [y.shape[axis] if i == axis else 1 for i in range(y.ndim)]
    iota = np.arange(y.shape[axis], dtype=np.int64).reshape(shape)
    if classes.every is not None:
        hot = op.constant((iota == classes.every).astype(y.dtype))
    else:
        column = op.Unsqueeze(classes.tensor, list(range(1, y.ndim)))
        hot = op.Cast(op.Equal(iota, column), to=y.dtype)
        op.promises.say_one_hot(hot, classes.tensor)
    return op.expand_like(hot, y.tensor)


@traces(scores.class_score)
def _class_score(op: Op, y: Traced, classes: Traced, class_axis: int = 1) -> Tensor:
    """Gathered, in float32."""
    summed, column = pooled(y, class_axis), op.Unsqueeze(classes.tensor, [1])
    if op.opset >= 11:
        found = op.Squeeze(op.GatherElements(summed, column, axis=1), [1])
    else:
        iota = np.arange(summed.shape[1], dtype=np.int64)[None]
        hot = op.Cast(op.Equal(iota, column), to=y.dtype)
        found = op.ReduceSum(op.Mul(hot, summed), [1], keepdims=0)
    return found if y.dtype == np.float32 else op.Cast(found, to=np.float32)


@traces(scores.one_cell)
def one_cell(
    op: Op, y: Traced, classes: Traced, places: Sequence[int], class_axis: int = 1
) -> Traced:
    """1 at the class, times 1 at the position."""
    extents: Any = scores.space(y, class_axis)  # type: ignore[arg-type]
    there = np.zeros((len(places), prod(extents)), y.dtype)
    there[range(len(places)), list(places)] = 1
    axis = class_axis % y.ndim
    mask: Any = np.expand_dims(there.reshape(len(places), *extents), axis)
    hot: Any = scores.one_hot(y, classes, class_axis)  # type: ignore[arg-type]
    found: Traced = hot * mask
    return found


@traces(scores.cell_score)
def _cell_score(
    op: Op, y: Traced, classes: Traced, places: Sequence[int], class_axis: int = 1
) -> Traced:
    """The sum over all that is not there too."""
    cell: Any = scores.one_cell(y, classes, places, class_axis)  # type: ignore[arg-type]
    product: Any = y * cell
    found: Any = scores.per_row(product)
    return cast(Traced, found)


@traces(scores.pick)
def _pick(op: Op, y: Traced, index: int, class_axis: int = 1) -> Traced:
    """One class for ever, for every row."""
    count = y.shape[class_axis]
    if not 0 <= index < count:
        hint = "; the top class of each row is top:1" if index == -1 else ""
        raise TargetError(f"class {index} is out of range: the score has {count} classes{hint}")
    once = op.constant(np.array([index], np.int64))
    return Traced(op, op.Expand(once, op.extent(y.tensor, 0)), every=index)


@traces(scores.ranked)
def _ranked(op: Op, y: Traced, rank: int, last: int, class_axis: int = 1) -> Tensor:
    """One sorting for all that are asked for."""
    summed = pooled(y, class_axis)
    if last > summed.shape[1]:
        raise TargetError(f"target 'top:{last}': expected top:1 to top:{summed.shape[1]}")
    if last == 1:
        return op.ArgMax(summed, axis=1, keepdims=0)
    _, order = op.TopK(summed, [last], axis=1, outputs=2)
    return op.Squeeze(op.Slice(order, [rank - 1], [rank], [1]), [1])


@traces(nearest)
def _nearest(op: Op, y: Traced, classes: Traced, rank: int, class_axis: int = 1) -> Tensor:
    """Sorted by the distance; the class itself is put beyond all others."""
    summed = pooled(y, class_axis)
    every: Any = Traced(op, summed)
    own: Any = scores.one_hot(every, classes)  # type: ignore[arg-type]
    apart: Any = np.abs(every - np.sum(every * own, axis=1, keepdims=True)) + own * BEYOND
    _, order = op.TopK(op.Neg(apart.tensor), [rank], axis=1, outputs=2)
    return op.Squeeze(op.Slice(order, [rank - 1], [rank], [1]), [1])


@traces(scores.like)
def _like(op: Op, y: Traced, values: Any) -> Tensor:
    return op.expand_like(op.constant(values), y.tensor)


@traces(scores.in_double)
def _in_double(op: Op, y: Traced) -> Tensor:
    return y.tensor


@traces(scores.sigmoid)
def _sigmoid(op: Op, y: Traced) -> Tensor:
    return op.Sigmoid(y.tensor)
