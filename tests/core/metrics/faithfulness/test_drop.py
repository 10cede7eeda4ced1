"""Drops and gains by hand, and against values that others publish."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.faithfulness import (
    absolute_drop,
    absolute_gain,
    increase,
    masked_scores,
    relative_drop,
    relative_gain,
)
from tests.core.metrics.peer import MAP, X, score, total

Y = np.array([0.5, 0.8, 0.2, 1.0])
KEPT = np.array([0.4, 0.9, 0.0, 1.0])
BY_HAND = [
    (relative_drop, [0.2, 0, 1, 0]),
    (absolute_drop, [0.1, 0, 0.2, 0]),
    (increase, [0, 1, 0, 0]),
    (relative_gain, [0, 0.5, 0, 0]),
    (absolute_gain, [0, 0.1, 0, 0]),
]


@pytest.mark.parametrize(("measure", "expected"), BY_HAND, ids=lambda p: getattr(p, "__name__", ""))
def test_by_hand(measure: object, expected: list[float]) -> None:
    np.testing.assert_allclose(measure(Y, KEPT), expected, atol=1e-15)  # type: ignore[operator]


def test_torch_cam_values() -> None:
    """torch-cam, tests/test_metrics.py; it divides by 1 + 1e-7, hence the tolerance."""
    x, cam = np.array([[[[0.4, 0.3], [0.2, 0.1]]]]), np.array([[[1.0, 0], [0, 0]]])
    scores = masked_scores(x, cam, total)
    assert relative_drop(*scores)[0] == pytest.approx(0.6 / (1 + 1e-7), rel=2e-7)
    assert increase(*scores)[0] == 0


def test_pytorch_grad_cam_values() -> None:
    """1.5.7, `DropInConfidence` and `IncreaseInConfidence`, in float32."""
    scores = masked_scores(X, MAP, score)
    np.testing.assert_allclose(scores, [[0.6089396], [0.5202]], atol=5e-5)  # the second as printed
    assert absolute_drop(*scores)[0] == pytest.approx(0.088772, abs=1e-6)
    assert increase(*scores)[0] == 0


def test_average_drop_as_xplique_has_it(rng: np.random.Generator) -> None:
    """Image by image: max(0, Y - O) / Y of x times its map."""
    x, maps = rng.random((3, 2, 4, 5)), rng.random((3, 4, 5))
    expected = []
    for one, heat in zip(x, maps, strict=True):
        before = score(one[None])[0]
        after = score((one * heat)[None])[0]
        expected.append(max(0.0, before - after) / before)
    np.testing.assert_allclose(relative_drop(*masked_scores(x, maps, score)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: relative_drop(np.array([0.5, -1.2]), np.zeros(2)), "score of -1.2 means nothing"),
        (lambda: relative_drop(np.array([0.0]), np.zeros(1)), "prob:243"),
        (lambda: relative_gain(np.array([3.0]), np.zeros(1)), "probabilities alone"),
        (lambda: increase(np.zeros(2), np.zeros(3)), r"both are \[N\]"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
