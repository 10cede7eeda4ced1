"""Probabilities of classes, of each kind of score."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.doctor.likely import likely
from cam_core.errors import InputError
from cam_core.head import Head


def head(kind: str) -> Head:
    return Head("y", kind, "planted", "y")


def test_classes(rng: np.random.Generator) -> None:
    y = rng.normal(size=(1, 4))
    expected = np.exp(y[0]) / np.exp(y[0]).sum()
    np.testing.assert_allclose(likely(y, head("classes"), "softmax", 1), expected)
    np.testing.assert_allclose(likely(y, None, "", 1), expected)


def test_boxes_by_their_best_anchor(rng: np.random.Generator) -> None:
    y = rng.normal(size=(1, 3, 7))  # classes at axis 1
    expected = [max(1 / (1 + np.exp(-v)) for v in y[0, c]) for c in range(3)]
    np.testing.assert_allclose(likely(y, head("boxes"), "sigmoid", 1), expected)


def test_pixels_by_their_mean(rng: np.random.Generator) -> None:
    y = rng.normal(size=(1, 2, 3, 5))  # classes last
    p = np.exp(y) / np.exp(y).sum(-1, keepdims=True)
    np.testing.assert_allclose(likely(y, head("dense classes"), "softmax", 3), p.mean((0, 1, 2)))


def test_one_number() -> None:
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(likely(np.array([[2.0]]), head("binary"), "sigmoid", 1), [p, 1 - p])


@pytest.mark.parametrize("kind", ["regression", "embedding"])
def test_what_knows_no_confidence(kind: str) -> None:
    with pytest.raises(InputError, match="give a reference by --against"):
        likely(np.zeros((1, 3)), head(kind), "", 1)
