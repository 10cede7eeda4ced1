"""Words about a class, and one class a row."""

from __future__ import annotations

import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import Asking, ClassTarget, as_target, parse_target
from cam_core.targets.classes.asked_class import class_after, classes_by_row

ASKING = Asking(["tench, Tinca tinca", "3,5", "cat"])
AFTER = [
    ("loss:2", 2),
    ("loss:cat", 2),
    ("loss: top", -1),
    ("loss:", None),
    ("rest:2", None),
    ("cat", None),
]


@pytest.mark.parametrize(("word", "expected"), AFTER)
def test_the_class_after_a_word(word: str, expected: int | None) -> None:
    assert class_after("loss", word, ASKING) == expected


ROWS = [
    ("4,5", (4, 5)),
    ("3, 5 ,1", (3, 5, 1)),
    ("top,0,-1", (-1, 0, -1)),
    ("3,5", None),
    ("3", None),
    ("3,", None),
    ("tench, Tinca tinca", None),
]


@pytest.mark.parametrize(("word", "expected"), ROWS)
def test_one_class_a_row(word: str, expected: tuple[int, ...] | None) -> None:
    assert classes_by_row(word, ASKING) == expected


def test_a_list_is_read_by_the_grammar_and_by_python() -> None:
    assert parse_target("3,5,1") == (ClassTarget((3, 5, 1)),)
    assert parse_target(ClassTarget((3, -1)).label) == (ClassTarget((3, -1)),)
    assert as_target(["cat", 0], ASKING.labels) == ClassTarget((2, 0))


@pytest.mark.parametrize("word", ["loss:2", "rest:cat", "finer:top", "value", "norm", "like:a.jpg"])
def test_a_detector_is_asked_for_boxes(word: str) -> None:
    head = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("b", 1))
    with pytest.raises(TargetError, match=r"ask for box:0") as refusal:
        parse_target(word, ASKING.labels, head=head)
    assert "\n" not in str(refusal.value)
