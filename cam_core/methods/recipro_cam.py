"""Recipro-CAM: the score of each place of the layer, kept alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from ..backend import Array
from ..maps.combine import total
from .after_mean import AfterMean, after_mean
from .answered import Written, batched
from .masks import cells_of
from .question import Question

KERNEL = np.array([0.25, 0.5, 0.25], np.float32)
"""The paper's 3 x 3 Gaussian along each axis."""
ONE = np.array([0, 1, 0], np.float32)
AT_ONCE = 32
"""Places whose scores are made by one product."""


def reciprocam(question: Question, *, gaussian: bool = True) -> Array:
    """L_s = Y(A * M_s) - Y(0) [N, *S], M_s one place of the layer or a 3 x 3 Gaussian round it.

    Byun and Lee 2022, eq. 3 and 4. Y(0), the score of an empty layer, is taken away so that the
    sign says whether a place speaks for the target; the paper's min-max takes it away as well.
    Summary tokens (a class token) and what goes round the layer stay as they are: of a token model
    that is the ViT-ReciproCAM of the same authors. For a mean over space and a linear head it is
    HiResCAM, by the number of places, and nothing is run; it needs no gradient.

    Args:
        question: one target at one layer.
        gaussian: keep the neighbours too; False keeps one place.
    """
    A, T, S = question.A, cells_of(question), question.A.shape[2:]
    cells = math.prod(S)

    def mask(cell: int) -> Array:
        place = [int(n) for n in np.unravel_index(cell, S)] if S else []
        return window(place, S, gaussian=gaussian)

    def keep(i: int, kept: Array) -> None:
        frame, cell = divmod(i, cells)
        if T > 1 or frame == T:
            kept[:] = 0
        if frame < T:
            np.multiply(A[frame::T], mask(cell), out=kept[frame::T])

    key, head = ("reciprocam", question.layer, gaussian), after_mean(question)
    if head is not None and question.held.linear:
        return _linear(head, question, gaussian=gaussian)
    if head is None:
        Y = question.tails(Written(T * cells + 1, A, keep), key=key)
    else:
        masks = chain(map(mask, range(cells)), [np.zeros(S, A.dtype)])
        Y = question.answered(_after(head, A, masks), key=key)
    found: Array = (Y[:-1] - Y[-1]).T.reshape(len(A), *S)
    return found


def _linear(head: AfterMean, question: Question, *, gaussian: bool) -> Array:
    """Of scores that are summed: sum_k w_k A^k under each mask, by the number of places."""
    A, S = question.A, question.A.shape[2:]
    w = head.slope(question.held(question.look.score))
    found = total(w.reshape(*w.shape, *[1] * len(S)) * A)
    for axis in range(1, found.ndim) if gaussian else ():
        found = _around(found, axis)
    mean: Array = found / math.prod(S)
    return mean


def _after(head: AfterMean, A: Array, masks: Iterable[Array]) -> Iterator[Array]:
    """y [N, C] behind the means of A under each of the masks [*S]."""
    flat = A.reshape(*A.shape[:2], -1)
    for some in batched(masks, AT_ONCE):
        columns = np.stack(some, axis=-1).reshape(flat.shape[2], -1)
        means = np.matmul(flat, columns) / flat.shape[2]  # [N, K, k]
        yield from head.of(np.moveaxis(means, -1, 0))


def window(place: Sequence[int], S: Sequence[int], *, gaussian: bool) -> Array:
    """One place of a map [*S], with its neighbours where there are some."""
    found = np.ones((), np.float32)
    for i, extent in zip(place, S, strict=True):
        found = np.multiply.outer(found, weights(i, extent, gaussian=gaussian))
    return found


def weights(place: int, extent: int, *, gaussian: bool) -> Array:
    """What is kept along one axis: the place, or the kernel at it, cut at the ends."""
    kernel, first = KERNEL if gaussian else ONE, max(place - 1, 0)
    found = np.zeros(extent, np.float32)
    found[first : place + 2] = kernel[first - place + 1 : extent - place + 1]
    return found


def _around(maps: Array, axis: int) -> Array:
    """What the kernel at each place keeps of maps along one axis."""
    along = np.moveaxis(maps, axis, 0)
    found = KERNEL[1] * along
    found[1:] += KERNEL[0] * along[:-1]
    found[:-1] += KERNEL[2] * along[1:]
    return np.moveaxis(found, 0, axis)
