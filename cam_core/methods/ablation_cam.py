"""Ablation-CAM: channels weighted by what the score loses without them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from ..backend import Array
from .after_mean import after_mean
from .answered import Written
from .from_gradients import divide
from .masks import alpha_of
from .question import Question


def ablationcam(question: Question, *, floor: float | None = None) -> Array:
    """alpha_k = (Y - Y_k) / Y [N, K, 1..], Y_k the score with A^k = 0.

    Ramaswamy and Desai 2020, eq. 4. Y_k is run from the layer on, and not for channels that are 0
    anyway; where the head is a mean and one linear layer it is w_k less, and nothing is run. Where
    Y is negative the quotient turns the map round, as in the paper.

    Args:
        question: one target at one layer.
        floor: pytorch-grad-cam's 1e7: where a row of A has another minimum than 0, a channel is
            set to so much less than that minimum, and not to 0.
    """
    A, rows = question.A, question.rows
    fill = np.zeros(len(A), A.dtype) if floor is None else floors(A, floor)
    fill = fill.reshape(-1, *[1] * (A.ndim - 2))
    apart = np.any(fill[:, None] != A, axis=(0, *range(2, A.ndim)))
    live = np.flatnonzero(apart).tolist()

    weights = np.zeros((rows, A.shape[1]))
    if live:
        Y = _without(question, live, fill, ("ablationcam", question.layer, floor))
        weights[:, live] = divide(question.Y - Y, question.Y + np.zeros_like(Y)).T
    return alpha_of(question, weights)


def _without(question: Question, live: Sequence[int], fill: Array, key: Hashable) -> Array:
    """Y [k, N] without each of these channels."""
    head = after_mean(question)
    if head is not None:
        less = head.means - np.reshape(fill, (-1, 1))
        if question.held.linear:
            lost = less * head.slope(question.held(question.look.score))
            left: Array = question.Y - lost.T[live]
            return left
        return question.answered((head.without(k, less[:, k]) for k in live), key=key)

    def leave_out(i: int, rest: Array) -> None:
        rest[:] = question.A
        rest[:, live[i]] = fill

    return question.tails(Written(len(live), question.A, leave_out), key=key)


def floors(A: Array, floor: float) -> Array:
    """What a channel is set to [N]: 0 where that is the row's minimum, else `floor` below it."""
    low = np.min(A, axis=tuple(range(1, A.ndim)))
    found: Array = np.where(low == 0, low, low - floor).astype(A.dtype)
    return found
