"""Questions that have nothing to do with the one that is asked."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import AnchorTarget, CellsTarget, ClassTarget, ValueTarget


def test_of_a_class_the_second_and_a_far_one() -> None:
    y = np.array([[0.1, 3.0, 2.0, 0.0, 1.0, -1.0], [5.0, 1.0, 2.0, 0.0, 4.0, 3.0]])
    found = ClassTarget().others(y)
    assert found["second class"] == ClassTarget((2, 4))
    assert found["another class"] == ClassTarget((4, 3))
    asked = ClassTarget(0).others(y)
    assert asked["second class"] == ClassTarget((1, 4))  # the best but the one that is asked for
    assert set(ClassTarget().others(y[:, :2])) == {"another class"}
    assert ClassTarget().others(y[:, :1]) == {}


def test_of_a_box_the_same_class_at_an_anchor_far_away() -> None:
    y = np.zeros((1, 3, 10))
    found = AnchorTarget(2, 7, background=0).others(y)
    assert found == {"another place": AnchorTarget(2, 2, 1, 0)}
    assert AnchorTarget(2, 0).others(y[..., :1]) == {}


def test_of_a_region_another_class_over_the_same_cells() -> None:
    target = CellsTarget(1, np.ones((1, 2, 2)))
    found = target.others(np.zeros((1, 4, 2, 2)))["another class"]
    assert isinstance(found, CellsTarget)
    assert found.index == 3
    assert found.weights is target.weights


def test_of_a_value_there_is_no_other() -> None:
    assert ValueTarget().others(np.zeros((2, 1))) == {}


def test_a_class_of_a_model_that_lists_them_otherwise() -> None:
    there = {0: 7, 1: None, 2: 7, 3: 1}
    assert ClassTarget(0).of_classes(there.get, -1) == ClassTarget((7,), -1)
    assert ClassTarget((0, 2)).of_classes(there.get, 1) == ClassTarget((7,))
    assert ClassTarget((0, 3)).of_classes(there.get, 1) == ClassTarget((7, 1))
    with pytest.raises(TargetError, match="B has no class 1 of A"):
        ClassTarget((0, 1)).of_classes(there.get, 1)
    assert ValueTarget().of_classes(there.get, 1) is None
