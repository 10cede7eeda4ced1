"""Class activation mapping: the weights of the linear head itself, of no gradient."""

from __future__ import annotations

import numpy as np

from ..backend import Array
from ..maps.combine import widened
from .question import Question


def cam(question: Question) -> Array:
    """alpha_k = w^c_k, what the head multiplies mean_S A^k with for the class c [N, K, 1..].

    Zhou et al. 2016, eq. 2. With y = W mean_S A + b it is Z times Grad-CAM's alpha, Z the number of
    places. Of a target that is no single class, w = dY/dy W. Any other head is refused.
    """
    weights = question.head()
    slope = question.target(question.look.score, question.look.outputs)
    w = np.matmul(widened(slope), weights)
    alpha: Array = w.reshape(*w.shape, *[1] * (question.A.ndim - 2))
    return alpha
