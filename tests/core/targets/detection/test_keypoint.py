"""A keypoint of a box: its number, and its slope against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.targets import Asking, Seen, parse_target

BOXES = BoxNumbers("b", 2, more=4, points=3)
HEAD = Head("s", "boxes", "", "s", 1, "Sigmoid", BOXES)


def asked(text: str, y: Any, head: Head = HEAD) -> Any:
    scores = np.full((2, 1, 5), -9.0)
    scores[:, 0, 3] = 2
    seen = Seen(scores, {"b": y}, Asking(["dog"], 1, head), (40, 40))
    (target,) = parse_target(text, head=head)[0].found_in(seen)
    return target


@pytest.fixture
def y(rng: np.random.Generator) -> Any:
    """[2, 5, 4 + 2 * 3]: corners, and two keypoints."""
    low = rng.uniform(0, 10, (2, 5, 2))
    return np.concatenate([low, low + 9, rng.uniform(0.1, 0.9, (2, 5, 6))], 2)


CASES = {  # question -> the number by hand
    "keypoint:0x@box:0": lambda row: row[3, 4],
    "keypoint:1y@box:0": lambda row: row[3, 8],
    "keypoint:1@box:0": lambda row: np.log(row[3, 9]),
    "keypoint:0@dog": lambda row: np.log(row[3, 6]),
}


@pytest.mark.parametrize("text", CASES)
def test_its_number_and_its_slope(text: str, y: Any, rng: np.random.Generator) -> None:
    head = Head("s", "boxes", "", "s", 1, "Sigmoid", BOXES)
    scores = np.full((2, 1, 5), -9.0)
    scores[:, 0, 3] = 2
    asking = Asking(["dog"], 1, head)
    question = parse_target(text, ["dog"], head=head)[0]
    (target,) = question.found_in(Seen(scores, {"b": y}, asking, (40, 40)))
    assert target.tensor == "b"
    assert target.unit == ("pixels" if text[10] in "xy" else "log-probability")
    np.testing.assert_allclose(target.score(y), [CASES[text](row) for row in y])
    direction, h = rng.normal(size=y.shape), 1e-6
    change = (target.score(y + h * direction) - target.score(y - h * direction)) / (2 * h)
    np.testing.assert_allclose((target(y) * direction).reshape(2, -1).sum(1), change, rtol=1e-6)


def test_what_there_is_not(y: Any) -> None:
    with pytest.raises(TargetError, match="there are keypoints 0 to 1"):
        asked("keypoint:2@box:0", y)
    pairs = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2, more=4, points=2))
    with pytest.raises(TargetError, match="no probability: ask for a coordinate, as keypoint:1x@"):
        asked("keypoint:1@box:0", y, pairs)
    plain = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2))
    with pytest.raises(TargetError, match=r"no keypoints that are known .*; ask for box:0 or edge"):
        asked("keypoint:1@box:0", y, plain)


def test_who_is_asked() -> None:
    with pytest.raises(TargetError, match="asks for a box, and the model gives classes"):
        parse_target("keypoint:1@box:0", head=Head("y", "classes", "", "y", 1))
    with pytest.raises(TargetError, match="one box has that, such as keypoint:1@box:0"):
        parse_target("keypoint:1@top:3", head=HEAD)
    plain = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2))
    with pytest.raises(TargetError, match="this model has no keypoints that are known"):
        parse_target("keypoint:1@box:0", head=plain)


NO_NUMBERS = ["keypoint:nose@box:0", "keypoint@box:0", "keypoint:-1@box:0", "keypoint:0z@box:0"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_keypoint_has_a_number(text: str) -> None:
    """Written as this model's are: with a probability, or with none."""
    pairs = Head("s", "boxes", "", "s", 1, "Sigmoid", BoxNumbers("b", 2, more=4, points=2))
    for head, written in ((HEAD, "keypoint:0@box:0"), (pairs, "keypoint:0x@box:0")):
        with pytest.raises(TargetError, match=f"keypoints have numbers from 0 on, as in {written}"):
            parse_target(text, head=head)
