"""Channels of a model's maps, from a look and from the explanation that was made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.answers import explained
from cam_core.compare.channels import with_channels
from cam_core.compare.flips import seen_of
from cam_core.looking import Looks
from cam_core.maps.channels import sketch
from cam_core.targets.classes.one_class import ClassTarget
from tests.core.linear import Linear

W = np.array([[1.0, -0.5, 0.2], [-0.3, 1.0, 0.1]])


@pytest.fixture
def looked() -> tuple[Any, Any, Any]:
    """Two photos, each with a spot where its class is."""
    x = np.zeros((2, 3, 4, 5), np.float32)
    x[:, :, 1, 2], x[0, 2, 3, 3] = [[2.0, 1.0, 0.5], [1.0, 0.0, 3.0]], 1.0
    looks = Looks(Linear(W), x)
    target = ClassTarget(0)
    found = explained(looks.questions(target), "gradcam")
    seen = seen_of(found.signed, found, "", np.arange(2))
    return looks.first, found, seen


def test_they_are_those_of_the_hot_places(looked: tuple[Any, Any, Any]) -> None:
    """L is W0 x over the area; the second cell of the first photo is a tenth of the heat."""
    look, found, seen = looked
    one = np.array([[2.0, -0.5, 0.1], [1.0, 0.0, 0.6]])  # W0 x of the spot
    other = np.array([0.0, 0.0, 0.2])
    heat = one[0].sum(), other.sum()
    mixed = (heat[0] * one[0] + heat[1] * other) / sum(heat)
    for row, expected in zip(with_channels(seen, found, look), (mixed, one[1]), strict=True):
        assert row.channels is not None
        np.testing.assert_allclose(row.channels, sketch(expected[None])[0], rtol=1e-4, atol=1e-6)


def test_there_are_none_without_weights_of_that_layer(looked: tuple[Any, Any, Any]) -> None:
    look, found, seen = looked
    for other in (None, replace(found, alpha=None), replace(found, layer="another")):
        assert all(one.channels is None for one in with_channels(seen, other, look))
