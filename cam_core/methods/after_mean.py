"""Scores of changed activations without a run, where the head is a mean and one linear layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backend import Array
from ..errors import CamError
from ..maps.combine import widened
from .question import Question


@dataclass(frozen=True)
class AfterMean:
    """A head y = W m + b that reads of a layer no more than its mean m over the places."""

    weights: Array
    """W [C, K]."""
    means: Array
    """m [N, K]."""
    y: Array
    """[N, C]."""

    def of(self, means: Array) -> Array:
        """y [k, N, C] of other means [k, N, K]."""
        moved = (means - self.means).reshape(-1, self.means.shape[1])  # one product, not k of them
        found: Array = self.y + np.matmul(moved, self.weights.T).reshape(len(means), *self.y.shape)
        return found

    def slope(self, of_score: Array) -> Array:
        """dY/dm [N, K] of dY/dy [N, C], which is mostly 0."""
        found: Array = np.stack([row[row != 0] @ self.weights[row != 0] for row in of_score])
        return found

    def without(self, channel: int, less: Array) -> Array:
        """y [N, C] where the mean of one channel is by so much less [N]."""
        found: Array = self.y - less[:, None] * self.weights[:, channel]
        return found


def after_mean(question: Question) -> AfterMean | None:
    """The head behind the question's layer; None of any other head, and of another output."""
    weights = question.once(("head", question.layer), lambda: _weights(question))
    y, A = widened(question.look.score), question.A
    if weights is None or question.target.tensor or (len(A), len(weights)) != y.shape:
        return None
    return AfterMean(weights, np.mean(A, axis=tuple(range(2, A.ndim))), y)


def _weights(question: Question) -> Array | None:
    try:
        return question.head()
    except CamError:
        return None
