"""Occlusion: what the score loses as a window goes over the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..backend import Array
from ..errors import InputError
from .answered import Each
from .from_gradients import divide
from .masks import laid, size_of
from .question import Question

Extents = int | Sequence[int] | None


def occlusion(
    question: Question,
    *,
    window: Extents = None,
    stride: Extents = None,
    baseline: float | None = None,
) -> Array:
    """L_s = the mean of Y(x) - Y(x without w) over the windows w that cover s [N, *size].

    Zeiler and Fergus 2014, section 4.2: a grey square. The windows end with one at the far edge.

    Args:
        question: one target.
        window: its extents, or one number for all axes; an eighth of each if None.
        stride: from window to window, likewise; half a window if None.
        baseline: what it is filled with, in the units of the model's input; the mean of each
            channel of the picture if None.
    """
    size = size_of(question)
    wide = _extents(window, [-(-extent // 8) for extent in size], size, "window")
    steps = _extents(stride, [-(-extent // 2) for extent in wide], size, "stride")
    covers = [cover(*one) for one in zip(size, wide, steps, strict=True)]
    shape = [len(one) for one in covers]
    grey = fill(question) if baseline is None else np.asarray(baseline, question.picture.dtype)

    def hidden(i: int) -> Array:
        mask = _outer([one[at] for one, at in zip(covers, np.unravel_index(i, shape), strict=True)])
        return np.where(laid(question, mask), grey, question.picture)

    key = ("occlusion", tuple(wide), tuple(steps), baseline)
    Y = question.passes(Each(math.prod(shape), hidden), key=key)
    lost = (question.Y - Y).T.reshape(-1, *shape)
    for axis, one in enumerate(covers, 1):
        mean = divide(one, one.sum(axis=0)).astype(lost.dtype)  # over those that cover a place
        lost = np.moveaxis(np.tensordot(mean, lost, (0, axis)), 0, axis)
    return lost


def cover(extent: int, window: int, stride: int) -> Array:
    """Which places of an axis each window covers, bool [n, extent]."""
    starts = [*range(0, extent - window, stride), extent - window]
    place = np.arange(extent)
    return np.array([(place >= start) & (place < start + window) for start in starts])


def fill(question: Question) -> Array:
    """The mean of each channel of each row."""
    found: Array = np.mean(question.picture, axis=question.space, keepdims=True)
    return found


def _outer(parts: Sequence[Array]) -> Array:
    found = np.ones((), bool)
    for part in parts:
        found = np.multiply.outer(found, part)
    return found


def _extents(
    asked: Extents, usual: Sequence[int], size: Sequence[int], name: str
) -> tuple[int, ...]:
    """One number an axis.

    Raises:
        InputError: another number of axes, or less than 1.
    """
    if asked is None:
        return tuple(usual)
    found = (asked,) * len(size) if isinstance(asked, int) else tuple(asked)
    if len(found) != len(size) or min(found) < 1:
        raise InputError(f"{name} {list(found)}: give {len(size)} numbers from 1 on, or one")
    return tuple(min(one, extent) for one, extent in zip(found, size, strict=True))
