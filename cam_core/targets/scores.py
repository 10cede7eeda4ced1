"""The score tensor y: its rows, classes and positions.

y is [N, C], or dense with one score a position: [N, C, *S] or, with `class_axis=-1`, [N, *S, C].
A tensor [N] is one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import Array
from ..errors import TargetError


def one_hot(logits: Array, classes: Array, class_axis: int = 1) -> Array:
    """1 at each row's class, at every position; the shape and dtype of the score."""
    axis = find_axis(logits, class_axis)
    if logits.ndim == 1:
        return np.ones_like(logits)
    shape = [1] * logits.ndim
    shape[axis] = logits.shape[axis]
    index = np.arange(logits.shape[axis]).reshape(shape)
    chosen = index == classes.reshape([-1] + [1] * (logits.ndim - 1))
    return np.broadcast_to(chosen, logits.shape).astype(logits.dtype)


def spread(mask: Array, logits: Array, class_axis: int = 1) -> Array:
    """A mask [*S] or [N, *S] over the positions of a dense score, ready to multiply it."""
    axis = find_axis(logits, class_axis)
    space = logits.shape[1:axis] + logits.shape[axis + 1 :]
    if not space or mask.shape not in (space, (len(logits), *space)):
        raise TargetError(f"a mask {mask.shape} does not fit a score {logits.shape}")
    rows = mask if mask.ndim > len(space) else mask[None]
    return np.expand_dims(rows.astype(logits.dtype), axis)


def pick(index: int | Sequence[int], logits: Array, class_axis: int = 1) -> Array:
    """The class of each row, int64 [N]; -1 becomes the row's top class."""
    pooled = pool(logits, class_axis)
    N, C = pooled.shape
    asked = np.asarray(index, dtype=object).reshape(-1)  # 10**30 fits no int64
    if asked.size not in (1, N):
        raise TargetError(f"{asked.size} targets for a batch of {N}: give one, or one a row")
    for c in asked:
        if not -1 <= c < C:
            raise TargetError(f"class {c} is out of range: the score has {C} (0 to {C - 1})")
    given, top = asked.astype(np.int64), np.argmax(pooled, axis=1)
    return np.where(given == -1, top, given).astype(np.int64)


def pool(logits: Array, class_axis: int = 1) -> Array:
    """y [N, C]: a dense score summed over its positions."""
    axis = find_axis(logits, class_axis)
    if logits.ndim == 1:
        return logits[:, None]
    space = tuple(i for i in range(1, logits.ndim) if i != axis)
    return np.sum(logits, axis=space, dtype=wide(logits)) if space else logits


def per_row(values: Array) -> Array:
    """The sum over everything but the batch [N], never narrower than float32."""
    total: Array = np.sum(values, axis=tuple(range(1, values.ndim)), dtype=wide(values))
    return total


def probabilities(logits: Array, axis: int) -> tuple[Array, bool]:
    """The softmax over the classes in float64; of a single class the sigmoid, and True."""
    y = logits.astype(np.float64)
    if logits.ndim == 1 or logits.shape[axis] == 1:
        return np.exp(-np.logaddexp(0.0, -y)), True
    e = np.exp(y - np.max(y, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True), False


def find_axis(logits: Array, class_axis: int) -> int:
    """The class axis counted from the front, of a score that can be explained."""
    check(logits)
    axis = class_axis + logits.ndim if class_axis < 0 else class_axis
    if logits.ndim > 1 and not 1 <= axis < logits.ndim:
        raise TargetError(f"a score {logits.shape} has no class axis {class_axis}")
    return axis


def check(logits: Array) -> None:
    """Refuses a tensor that is no score."""
    if not np.issubdtype(logits.dtype, np.floating):
        raise TargetError(
            f"the score tensor is {logits.dtype}, which has no derivative: "
            "name the float tensor before it as the score"
        )
    if logits.ndim == 0:
        raise TargetError("the score tensor is a scalar; a score has one row an image")


def wide(values: Array) -> np.dtype[Any]:
    """The dtype to sum in: float32 at least."""
    return np.promote_types(values.dtype, np.float32)
