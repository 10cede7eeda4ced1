"""The score tensor y: its rows, classes and positions. What targets are made of.

y is [N, C], or dense with one score a position: [N, C, *S] or, with `class_axis=-1`, [N, *S, C].
A tensor [N] is one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import TargetError
from .traceable import traceable


@traceable
def one_hot(y: Array, classes: Array, class_axis: int = 1) -> Array:
    """1 at each row's class, at every position; the shape and dtype of the score."""
    axis = find_axis(y, class_axis)
    if y.ndim == 1:
        return np.ones_like(y)
    shape = [1] * y.ndim
    shape[axis] = y.shape[axis]
    index = np.arange(y.shape[axis]).reshape(shape)
    chosen = index == classes.reshape([-1] + [1] * (y.ndim - 1))
    return np.broadcast_to(chosen, y.shape).astype(y.dtype)


@traceable
def class_score(y: Array, classes: Array, class_axis: int = 1) -> Array:
    """The score of each row's class [N], summed over the positions of a dense score."""
    return per_row(y * one_hot(y, classes, class_axis))


@traceable
def one_cell(y: Array, classes: Array, places: Sequence[int], class_axis: int = 1) -> Array:
    """1 at each row's class, at one position alone; the shape and dtype of the score.

    `places`: positions by number, row-major; one for all rows, or one a row.
    """
    found = np.zeros_like(y)
    found[_cell(y, classes, places, class_axis)] = 1
    return found


@traceable
def cell_score(y: Array, classes: Array, places: Sequence[int], class_axis: int = 1) -> Array:
    """The score of each row's class at that position [N]."""
    found: Array = y[_cell(y, classes, places, class_axis)].astype(wide(y))
    return found


def cell_number(y: Array, classes: Array, places: Sequence[int], class_axis: int = 1) -> Array:
    """Where in y, row-major, each row's class is at that position [N]."""
    index = _cell(y, classes, places, class_axis)
    found: Array = np.ravel_multi_index(index, y.shape)
    return found


@traceable
def pick(y: Array, index: int | Sequence[int], class_axis: int = 1) -> Array:
    """The class of each row, int64 [N]; -1 becomes the row's top class."""
    axis = find_axis(y, class_axis)
    N, C = len(y), 1 if y.ndim == 1 else y.shape[axis]
    asked = [index] if isinstance(index, int) else np.asarray(index, dtype=object).ravel().tolist()
    if len(asked) not in (1, N):
        raise TargetError(f"{len(asked)} targets for a batch of {N}: give one, or one a row")
    for c in asked:
        if not -1 <= c < C:
            raise TargetError(f"class {c} is out of range: the score has {C} (0 to {C - 1})")
    given = np.array(asked, np.int64)  # 10**30, which fits none, is refused above
    if -1 not in asked:  # the top ones of a dense score are dear
        return np.broadcast_to(given, (N,))
    return np.where(given == -1, top(y, class_axis), given).astype(np.int64)


@traceable
def ranked(y: Array, rank: int, last: int, class_axis: int = 1) -> Array:
    """The class of each row, int64 [N], that is best but rank - 1; nobody asks beyond `last`."""
    pooled = pool(y, class_axis)
    if rank > pooled.shape[1]:
        raise TargetError(f"top:{rank}: the score has only {pooled.shape[1]} classes")
    order: Array = np.argsort(-pooled, axis=1, kind="stable")
    return order[:, rank - 1].astype(np.int64)


@traceable
def like(y: Array, values: Array) -> Array:
    """Values, the same for all rows or not, in the shape of y."""
    return np.broadcast_to(values, y.shape)


@traceable
def in_double(y: Array) -> Array:
    """y in float64, where it is numbers; a graph computes in the model's own type."""
    return y.astype(np.float64)


@traceable
def sigmoid(y: Array) -> Array:
    """1 / (1 + exp(-y))."""
    p: Array = np.exp(-np.logaddexp(0.0, -y))
    return p


def softmax(y: Array, class_axis: int = 1) -> Array:
    """Over the classes."""
    axis = find_axis(y, class_axis)
    e = np.exp(y - np.max(y, axis=axis, keepdims=True))
    p: Array = e / np.sum(e, axis=axis, keepdims=True)
    return p


def top(y: Array, class_axis: int = 1) -> Array:
    """The class of each row's largest score, int64 [N]."""
    best: Array = np.argmax(pool(y, class_axis), axis=1)
    return best


def pool(y: Array, class_axis: int = 1) -> Array:
    """y [N, C]: a dense score summed over its positions."""
    axis = find_axis(y, class_axis)
    if y.ndim == 1:
        return y[:, None]
    space = tuple(i for i in range(1, y.ndim) if i != axis)
    return np.sum(y, axis=space, dtype=wide(y)) if space else y


def per_row(values: Array) -> Array:
    """The sum over everything but the batch [N], never narrower than float32."""
    total: Array = np.sum(values, axis=tuple(range(1, values.ndim)), dtype=wide(values))
    return total


def spread(mask: Array, y: Array, class_axis: int = 1) -> Array:
    """A mask [*S] or [N, *S] over the positions of a dense score, ready to multiply it."""
    axis = find_axis(y, class_axis)
    space = y.shape[1:axis] + y.shape[axis + 1 :]
    if not space or mask.shape not in (space, (len(y), *space)):
        raise TargetError(f"a mask {mask.shape} does not fit a score {y.shape}")
    rows = mask if mask.ndim > len(space) else mask[None]
    return np.expand_dims(rows.astype(y.dtype), axis)


def space(y: Array, class_axis: int) -> list[int]:
    """The extents of the positions."""
    axis = find_axis(y, class_axis)
    return [extent for i, extent in enumerate(y.shape) if i not in (0, axis)]


def _cell(y: Array, classes: Array, places: Sequence[int], class_axis: int) -> tuple[Array, ...]:
    """The index of one number a row."""
    rows, extents = np.arange(len(y)), space(y, class_axis)
    number = np.broadcast_to(np.asarray(places), (len(y),))
    index: list[Array] = list(np.unravel_index(number, extents)) if extents else []
    if y.ndim > 1:
        index.insert(find_axis(y, class_axis) - 1, classes)
    return (rows, *index)


def find_axis(y: Array, class_axis: int) -> int:
    """The class axis counted from the front, of a score that can be explained."""
    check(y)
    axis = class_axis + y.ndim if class_axis < 0 else class_axis
    if y.ndim > 1 and not 1 <= axis < y.ndim:
        raise TargetError(f"a score {y.shape} has no class axis {class_axis}")
    return axis


def check(y: Array) -> None:
    """Refuses a tensor that is no score."""
    if y.dtype.kind != "f":
        raise TargetError(
            f"the score tensor is {y.dtype}, which has no derivative: "
            "name the float tensor before it as the score"
        )
    if y.ndim == 0:
        raise TargetError("the score tensor is a scalar; a score has one row an image")


def wide(values: Array) -> np.dtype[Any]:
    """The dtype to sum in: float32 at least."""
    return np.promote_types(values.dtype, np.float32)
