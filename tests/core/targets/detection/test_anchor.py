"""One anchor by its number: against finite differences, in NumPy and in the file."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import AnchorTarget, parse_target

LAYOUTS = [((2, 3, 5), 1), ((2, 5, 3), 2), ((2, 3, 2, 3), 1), ((2, 2, 3, 3), -1)]


@pytest.mark.parametrize(("shape", "axis"), LAYOUTS)
@pytest.mark.parametrize("background", [None, 0, -1])
def test_its_slope_is_that_of_its_score(shape, axis, background, rng) -> None:
    target, y = AnchorTarget(1, 4, axis, background), rng.normal(size=shape)
    slope = target(y)
    for at in np.ndindex(*shape):
        high, low = y.copy(), y.copy()
        high[at] += 0.5
        low[at] -= 0.5
        difference = target.score(high) - target.score(low)
        assert difference[at[0]] == pytest.approx(slope[at], abs=1e-12)


def test_its_score_is_the_number_there(rng) -> None:
    y = rng.normal(size=(1, 3, 2, 3))
    assert AnchorTarget(2, 4).score(y) == pytest.approx(y[0, 2, 1, 1])
    assert AnchorTarget(2, 4, 1, 0).score(y) == pytest.approx(y[0, 2, 1, 1] - y[0, 0, 1, 1])


def test_it_is_read_and_named() -> None:
    (target,) = parse_target("dog@anchor:7", ["cat", "dog"])
    assert target == AnchorTarget(1, 7)
    assert parse_target(target.label) == (target,)
    head = Head("y", "dense classes", "", "y", 2, "Softmax", BoxNumbers("b", 2, 0, 0))
    assert parse_target("1@anchor:7", head=head)[0].background == 0


def test_an_anchor_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="anchors 0 to 5"):
        AnchorTarget(0, 6)(np.zeros((1, 2, 6)))


def test_a_class_that_no_anchor_has() -> None:
    with pytest.raises(TargetError, match="2@anchor:3: class 2 is the background"):
        AnchorTarget(2, 3, 1, -1)(np.zeros((1, 3, 6)))


@pytest.mark.parametrize(("shape", "axis"), LAYOUTS)
@pytest.mark.parametrize("background", [None, 0])
def test_the_few_numbers_are_its_slope(shape, axis, background, rng) -> None:
    """Of one class and anchor for all rows, and of one a row."""
    y = rng.normal(size=shape)
    for target in (AnchorTarget(1, 4, axis, background), AnchorTarget((2, 1), (0, 3), axis)):
        at, values = target.few(y)
        slope = np.zeros(shape)
        slope.flat[at] = values
        np.testing.assert_array_equal(slope, target(y))
