"""Questions that have nothing to do with the one that is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from cam_core.compare.others import others
from cam_core.targets import AnchorTarget, CellsTarget, ClassTarget, ValueTarget


def batch(target: Any, y: Any) -> Any:
    first = SimpleNamespace(score=y)
    pooled = y if y.ndim == 2 else y.reshape(*y.shape[:2], -1).sum(axis=2)
    looks = SimpleNamespace(first=first), None
    return SimpleNamespace(targets=(target, target), looks=looks, scores=(pooled, pooled))


def test_of_a_class_the_second_and_a_far_one() -> None:
    y = np.array([[0.1, 3.0, 2.0, 0.0, 1.0, -1.0], [5.0, 1.0, 2.0, 0.0, 4.0, 3.0]])
    found = others(batch(ClassTarget(), y), 1)
    assert found["second class"] == ClassTarget((2, 4))
    assert found["another class"] == ClassTarget((4, 3))
    asked = others(batch(ClassTarget(0), y), 1)
    assert asked["second class"] == ClassTarget((1, 4))  # the best but the one that is asked for
    assert set(others(batch(ClassTarget(), y[:, :2]), 1)) == {"another class"}
    assert others(batch(ClassTarget(), y[:, :1]), 1) == {}


def test_of_a_box_the_same_class_at_an_anchor_far_away() -> None:
    y = np.zeros((1, 3, 10))
    found = others(batch(AnchorTarget(2, 7, background=0), y), 1)
    assert found == {"another place": AnchorTarget(2, 2, 1, 0)}
    assert others(batch(AnchorTarget(2, 0), y[..., :1]), 1) == {}


def test_of_a_region_another_class_over_the_same_cells() -> None:
    target = CellsTarget(1, np.ones((1, 2, 2)))
    found = others(batch(target, np.zeros((1, 4, 2, 2))), 1)["another class"]
    assert isinstance(found, CellsTarget)
    assert found.index == 3
    assert found.weights is target.weights


def test_of_a_value_there_is_no_other() -> None:
    assert others(batch(ValueTarget(), np.zeros((2, 1))), 1) == {}
