"""The number of a regression, and the one of a binary head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import Asking, Seen, ValueTarget, as_target, parse_target


def head(kind: str, activation: str = "") -> Head:
    return Head("y", kind, "", "y", 1, activation)


def seen(y: Any, of: Head) -> Seen:
    return Seen(np.array(y), {}, Asking(None, 1, of))


def test_it_is_read() -> None:
    assert parse_target("value") == (ValueTarget(),)
    assert parse_target("value:3") == (ValueTarget(3),)
    assert parse_target("Value", ["value"])[0].label == "0"


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_it_is_the_usual_question(kind: str) -> None:
    assert as_target(None, head=head(kind)) == ValueTarget()


def test_of_several_the_largest_is_said_to_be_that() -> None:
    (found,) = ValueTarget().found_in(seen([[1.0, 4, 2]], head("regression")))
    assert (found.label, found.classes(np.zeros((1, 3)))) == ("value:1", None)
    (both,) = ValueTarget().found_in(seen([[1.0, 4, 2], [7, 0, 0]], head("regression")))
    np.testing.assert_array_equal(both.score(np.array([[1.0, 4, 2], [7, 0, 0]])), [4, 7])
    assert both.label == "value"


def test_a_probability_where_the_model_makes_one() -> None:
    (found,) = ValueTarget().found_in(seen([[0.4]], head("binary", "Sigmoid")))
    assert found.label == "value"
    assert found.probability == pytest.approx(1 / (1 + np.exp(-0.4)))
    (plain,) = ValueTarget().found_in(seen([[0.4]], head("regression")))
    assert plain.probability is None


def test_what_is_not_there() -> None:
    ValueTarget(3).require(4)
    with pytest.raises(TargetError, match="value:4: the model gives 4, value:0 to value:3"):
        ValueTarget(4).require(4)
    for kind, cure in [("classes", "classes: ask for one"), ("multi-label", "ask for one")]:
        with pytest.raises(TargetError, match=cure):
            parse_target("value", head=head(kind))
