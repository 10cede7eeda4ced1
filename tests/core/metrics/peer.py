"""A picture, its map and a score, of which pytorch-grad-cam 1.5.7 was asked as well."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
H, W, C = 4, 5, 2

X = np.array(
    [
        [[(3 * i + 2 * j + 5 * c * (i - j)) % 7 / 7 for j in range(W)] for i in range(H)]
        for c in range(C)
    ]
)[None]
MAP = np.array([[7 * (i * W + j) % 20 / 20 for j in range(W)] for i in range(H)])[None]
WEIGHTS = np.array(
    [
        [[(i + 1) * (c + 1) * (1 if j % 2 else -0.5) / 10 for j in range(W)] for i in range(H)]
        for c in range(C)
    ]
)


def score(x: Array) -> Array:
    """The logistic function of a weighted sum."""
    return 1 / (1 + np.exp(-np.sum(x * WEIGHTS, axis=(1, 2, 3))))


def total(x: Array) -> Array:
    """torch-cam's SumClassifier: the sum of all pixels."""
    return x.reshape(len(x), -1).sum(axis=1)
