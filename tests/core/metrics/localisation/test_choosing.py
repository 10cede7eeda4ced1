"""The threshold that suits most maps."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.localisation import choose_threshold

T = (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("overlaps", "threshold", "found", "mean"),
    [
        ([[0.4, 0.6, 0.5], [0.9, 0.5, 0.4]], 0.2, 1.0, 0.55),  # two of two at 0.5 exactly
        ([[0.6, 0.7, 0.6], [0.1, 0.1, 0.3]], 0.3, 0.5, 0.45),  # as many hits: the mean decides
        ([[0.6, 0.6, 0.6]], 0.1, 1.0, 0.6),  # all alike: the lowest
        ([[0.0, 0.0, 0.0]], 0.1, 0.0, 0.0),
    ],
)
def test_chosen(overlaps: list[list[float]], threshold: float, found: float, mean: float) -> None:
    chosen = choose_threshold(np.array(overlaps), T)
    assert (chosen.threshold, chosen.found) == (threshold, found)
    assert chosen.overlap == pytest.approx(mean)


def test_the_share_at_each() -> None:
    overlaps = np.random.default_rng(1).random((9, 3))
    shares = [sum(row[t] >= 0.5 for row in overlaps) / 9 for t in range(3)]
    assert choose_threshold(overlaps, T).shares == pytest.approx(shares)


def test_no_map_is_refused() -> None:
    with pytest.raises(InputError, match=r"overlaps \[0, 3\]"):
        choose_threshold(np.zeros((0, 3)), T)
