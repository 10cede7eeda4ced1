"""What speaks against something: the other question with its sign turned, whatever it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import (
    AgainstTarget,
    Asking,
    ClassTarget,
    LossTarget,
    ProbabilityTarget,
    Seen,
    parse_target,
)

LABELS = ["tench", "tiger cat", "-5", "-odd"]
TEXTS: list[tuple[str, Any]] = [
    ("-3", AgainstTarget(ClassTarget(3))),
    ("-0", AgainstTarget(ClassTarget(0))),
    ("against:1", AgainstTarget(ClassTarget(1))),
    ("against:top", AgainstTarget(ClassTarget(-1))),
    ("-tiger cat", AgainstTarget(ClassTarget(1))),
    ("against: tench", AgainstTarget(ClassTarget(0))),
    ("-prob:2", AgainstTarget(ProbabilityTarget(2))),
    ("-1", ClassTarget(-1)),
    ("'-5'", ClassTarget(2)),
    ("-5", AgainstTarget(ClassTarget(5))),
    ("-odd", ClassTarget(3)),
    ("loss:-0", LossTarget(0, how="sigmoid", absent=True)),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=[t for t, _ in TEXTS])
def test_a_sign_is_read(text: str, expected: Any) -> None:
    head = Head("y", "binary", "", "y", 1, "Sigmoid")
    assert parse_target(text, LABELS, head=head) == (expected,)


@pytest.mark.parametrize("text", ["-3", "against:1", "-0", "-prob:2", "-value", "-norm"])
def test_its_name_is_read_again(text: str) -> None:
    (target,) = parse_target(text)
    assert parse_target(target.label) == (target,)


def test_it_is_the_other_turned_round(rng: np.random.Generator) -> None:
    y = rng.normal(size=(2, 4))
    (target,) = parse_target("-2")
    np.testing.assert_array_equal(target.score(y), -y[:, 2])
    np.testing.assert_array_equal(target(y), [[0, 0, -1, 0]] * 2)


def test_against_the_top_class_stays_with_it() -> None:
    target = AgainstTarget(ClassTarget(-1)).held(np.array([[1.0, 3, 2]]))
    np.testing.assert_array_equal(target.score(np.array([[9.0, 1, 0]])), [-1])


def test_what_the_other_turns_out_to_be_is_turned_round() -> None:
    head = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("b", 2))
    y = np.array([[[3.0, 1, 2]]])
    corners = np.array([[[0, 0, 9, 9], [20, 20, 30, 30], [50, 0, 60, 9]]], float)
    seen = Seen(y, {"b": corners}, Asking(["dog"], 1, head), (64, 64))
    (question,) = parse_target("-box:1", head=head)
    (target,) = question.found_in(seen)
    assert (target.label, target.detail[0]["box"]["anchor"]) == ("against:box:1", 2)
    np.testing.assert_array_equal(target(y), [[[0, 0, -1]]])
    assert target.probability == pytest.approx(1 / (1 + np.exp(-2)))


def test_one_thing_at_a_time() -> None:
    with pytest.raises(TargetError, match="'-top:3': one speaks against one thing"):
        parse_target("-top:3")


def test_a_negative_number_in_python_is_no_class() -> None:
    from cam_core.targets import as_target

    with pytest.raises(TargetError, match="class -2 is out of range"):
        as_target(-2)(np.zeros((1, 3)))
