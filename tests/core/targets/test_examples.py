"""Questions that are written as a certain model answers them: its classes, its middle."""

from __future__ import annotations

from typing import Any

import pytest

from cam_core.head import BoxNumbers, Head
from cam_core.image import Placement
from cam_core.region import Places, Region
from cam_core.targets import TARGETS, Asking, Facts

CLASSES = Asking(None, 1, Head("y", "classes", "", "y", 1))
FEW = {  # of six classes, two, one and an open number
    "class": ("5", "1", "0", "0"),
    "contrast": ("5-4", "1-0", None, "0-1"),
    "prob": ("prob:5", "prob:1", "prob:0", "prob:0"),
    "top": ("top:3", "top:2", "top:1", "top:3"),
    "caption": ("caption:2", "caption:1", "caption:0", "caption:0"),
}


def example(name: str, *facts: Any) -> str | None:
    return TARGETS[name].example(TARGETS[name].written, Facts(*facts))


@pytest.mark.parametrize("name", FEW)
def test_classes_are_those_that_there_are(name: str) -> None:
    found = [example(name, CLASSES, count) for count in (6, 2, 1, None)]
    assert tuple(found) == FEW[name]


@pytest.mark.parametrize("count", [244, 245, 282, 283])
def test_two_classes_are_never_one(count: int) -> None:
    """Where the model has one of those that are written, and not the other, too."""
    first, second = map(int, str(example("contrast", CLASSES, count)).split("-"))
    assert first != second
    assert max(first, second) < count


@pytest.mark.parametrize("name", ["class", "contrast", "prob", "finer", "rest", "loss", "versus"])
def test_many_classes_are_as_in_the_documentation(name: str) -> None:
    assert example(name, CLASSES, 1000) == TARGETS[name].written


def boxes(**facts: Any) -> Asking:
    return Asking(None, 1, Head("y", "boxes", "", "y", 1, boxes=BoxNumbers("b", 1, **facts)))


KEYPOINTS = [({"points": 3}, "keypoint:0@box:0"), ({"points": 2}, "keypoint:0x@box:0"),
             ({"heats": "h"}, "keypoint:0@box:0"), ({}, None)]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), KEYPOINTS)
def test_keypoints_are_asked_as_they_are(facts: Any, expected: str | None) -> None:
    assert example("keypoint", boxes(**facts)) == expected


def test_an_anchor_is_of_no_background() -> None:
    assert example("anchor", boxes()) == "0@anchor:0"
    assert example("anchor", boxes(background=0)) == "1@anchor:0"
    assert example("anchor", boxes(background=-1)) == "0@anchor:0"


def places(*axes: int, kind: str = "dense classes") -> Asking:
    region = Region("x", axes, ((0.0, 1.0),) * len(axes), axes)
    return Asking(None, 1, Head("y", kind, "", "y", 1, places=Places("", region)))


def test_a_place_is_the_middle() -> None:
    """Of the photo, of an input of a fixed size, of a signal; else as in the documentation."""
    photo = Placement((96, 64), (48, 32), (0, 0, 96, 64), (48, 32), (0, 0))
    fixed, open_ = {"x": (1, 3, 48, 32)}, {"x": (1, 3, "h", "w")}
    assert example("place", places(2, 3), 6, fixed) == "5@16,24"
    assert example("place", places(2, 3), 60, fixed, (), photo) == "12@32,48"
    assert example("place", places(2, 3), 6, open_) == "5@320,200"
    assert example("place", places(2, 3), 60, open_) == "12@320,200"
    assert example("place", places(2), 6, {"x": (1, 3, 100)}) == "5@50"
    assert example("place", places(2, 3, kind="picture"), None, fixed) == "mean@16,24"
    assert example("place", CLASSES, 6, fixed) is None
    assert example("region", CLASSES, 6, fixed) is None
