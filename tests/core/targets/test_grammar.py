"""Each text, class or function names its target."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import (
    ClassTarget,
    ContrastTarget,
    ProbabilityTarget,
    TopTarget,
    as_target,
    parse_target,
)

LABELS = ["tench, Tinca tinca", "Tiger Cat", "black-and-tan coonhound", "crane", "crane", "7"]
TEXTS = [
    ("243", (ClassTarget(243),)),
    ("-1", (ClassTarget(-1),)),
    ("tiger cat", (ClassTarget(1),)),
    ("TENCH", (ClassTarget(0),)),
    ("'7'", (ClassTarget(5),)),
    ("black-and-tan coonhound", (ClassTarget(2),)),
    ("top:3", (TopTarget(1), TopTarget(2), TopTarget(3))),
    ("top", (TopTarget(1),)),
    ("prob:4", (ProbabilityTarget(4),)),
    ("prob:tiger cat", (ProbabilityTarget(1),)),
    ("prob:top", (ProbabilityTarget(-1),)),
    ("243-282", (ContrastTarget(243, 282),)),
    ("tiger cat - tench", (ContrastTarget(1, 0),)),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=[t for t, _ in TEXTS])
def test_parse_target(text, expected) -> None:
    assert parse_target(text, LABELS) == expected


@pytest.mark.parametrize("text", ["3", "top:2", "prob:3", "3-4", "top"])
def test_parse_target_knows_where_the_classes_are(text: str) -> None:
    assert {t.class_axis for t in parse_target(text, class_axis=-1)} == {-1}


def test_one_class_a_row_is_none_where_a_class_is_something_else() -> None:
    head = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("boxes", 2))
    with pytest.raises(TargetError, match=r"\[0, 1\].*explain the rows one by one, each with '0'"):
        as_target([0, 1], head=head)


NAMED = [
    (None, ClassTarget(-1)),
    (5, ClassTarget(5)),
    (np.int64(5), ClassTarget(5)),
    ([1, 2], ClassTarget((1, 2))),
    (np.array([1, 2]), ClassTarget((1, 2))),
    ("Tiger Cat", ClassTarget(1)),
    (TopTarget(2), TopTarget(2)),
]


@pytest.mark.parametrize(("value", "expected"), NAMED, ids=[str(v) for v, _ in NAMED])
def test_as_target(value, expected) -> None:
    assert as_target(value, LABELS) == expected


REFUSED = [
    (lambda: parse_target("tigr cat", LABELS), "no label 'tigr cat'; did you mean 'Tiger Cat'"),
    (lambda: parse_target("cat", LABELS), "no label 'cat'; did you mean 'Tiger Cat'"),
    (lambda: parse_target("crane", LABELS), r"'crane' stands for classes 3, 4: give"),
    (lambda: parse_target("a", ["a"] * 999), r"stands for classes 0, 1, 2, 3, 4, \.\.\.: give"),
    (lambda: parse_target("tiger cat"), "the labels are unknown"),
    (lambda: parse_target("top:0"), "k of at least 1"),
    (lambda: parse_target(""), "an empty target"),
    (lambda: as_target("top:2"), "is 2 targets"),
    (lambda: as_target([0.5, 1]), "class 0.5 is no integer"),
]


@pytest.mark.parametrize(("attempt", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_does_not_fit_is_refused_in_one_line(attempt, message) -> None:
    with pytest.raises(TargetError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
