"""The probabilities of a model's classes in one photo, whatever it gives them for."""

from __future__ import annotations

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..head import Head

LOGITS = ("classes", "unknown")
"""Kinds whose numbers are taken for logits where the model says nothing of them."""


def likely(y: Array, head: Head | None, how: str, class_axis: int) -> Array:
    """p [C] of the score of one photo.

    Of boxes each class's best anchor; of pixels and characters the mean over them; of one number p
    and 1 - p.

    Args:
        y: [1, C] or [1, ..., C, ...].
        head: what the score is.
        how: `softmax`, `sigmoid`, or '' where it is no logit.
        class_axis: where the classes are.

    Raises:
        InputError: its numbers are no probabilities.
    """
    kind = "classes" if head is None else head.kind
    if kind in ("regression", "embedding", "picture", "similarity"):
        raise InputError(
            f"the score is of kind '{kind}', which knows no confidence: give a reference by "
            "--against"
        )
    rows = np.moveaxis(np.asarray(y, np.float64), class_axis, -1)
    rows = rows.reshape(-1, rows.shape[-1])
    p = probabilities(rows, how or ("softmax" if kind in LOGITS else ""))
    if kind == "boxes":
        return np.asarray(p.max(axis=0))
    if p.shape[-1] == 1:
        return np.array([p.mean(), 1 - p.mean()])
    return np.asarray(p.mean(axis=0))


def probabilities(y: Array, how: str) -> Array:
    """Softmax or sigmoid of the last axis; the numbers themselves, held in [0, 1], by ''."""
    if how == "softmax":
        e = np.exp(y - y.max(axis=-1, keepdims=True))
        soft: Array = e / e.sum(axis=-1, keepdims=True)
        return soft
    if how == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(y, -500, 500))))
    if how == "exp":
        return np.clip(np.exp(np.minimum(y, 0)), 0, 1)
    return np.clip(y, 0, 1)
