"""What units weigh, against loops and a network whose parts add up to its score."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.units import weigh

Array = np.ndarray


@pytest.fixture
def seen(rng: np.random.Generator) -> tuple[list[Array], list[Array], list[Array]]:
    """Three pictures of two sizes, five units, two rivals."""
    A = [rng.random((5, *space)) for space in ((2, 3), (4, 4), (2, 3))]
    return A, list(rng.normal(size=(3, 5))), list(rng.normal(size=(3, 2, 5)))


def test_means_over_pictures(seen: tuple[list[Array], list[Array], list[Array]]) -> None:
    A, alpha, rivals = seen
    found = weigh(A, alpha, rivals)
    assert found.over is not None
    for k in range(5):
        mean = sum(float(a[k]) for a in alpha) / 3
        parts = [sum((a[k] * picture[k]).ravel()) for a, picture in zip(alpha, A, strict=True)]
        others = [sum(float(r[j, k]) for r in rivals) / 3 for j in range(2)]
        assert found.alpha[k] == pytest.approx(mean)
        assert found.adds[k] == pytest.approx(sum(parts) / 3)
        assert found.over[k] == pytest.approx(mean - max(others))


def test_what_units_add_is_the_score_of_an_average_and_a_matrix(rng: np.random.Generator) -> None:
    A, w = rng.random((4, 6, 3, 5)), rng.normal(size=6)
    scores = A.mean(axis=(2, 3)) @ w
    found = weigh(list(A), [w / 15] * 4)
    assert found.adds.sum() == pytest.approx(scores.mean())


def test_orders() -> None:
    A = [np.ones((4, 1, 1)) * np.array([1, 1, 0, 1])[:, None, None]]
    found = weigh(A, [np.array([2.0, -1, 5, 1])], [np.array([[3.0, 0, 4, 0], [0, 0, 0, 0.5]])])
    assert found.largest(2).tolist() == [2, 0]
    assert found.smallest(2).tolist() == [1, 3]
    assert found.most(9).tolist() == [0, 3]  # unit 2 is silent, unit 1 takes away
    assert found.own(9).tolist() == [2, 3]  # unit 0 speaks more for a rival
    assert weigh(A, [np.ones(4)]).own(3).size == 0


def test_nothing_is_weighed_without_pictures() -> None:
    with pytest.raises(InputError, match="there are none"):
        weigh([], [])
