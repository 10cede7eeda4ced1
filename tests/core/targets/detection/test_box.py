"""Boxes asked for in words, of a detector written by hand: which anchor, and its derivative."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.image import Placement
from cam_core.targets import Asking, Seen, parse_target

NAMES = ["person", "dog"]
CORNERS = np.array([[0, 0, 20, 20], [2, 0, 22, 20], [40, 40, 60, 60], [70, 10, 90, 30]], np.float32)
P = np.array([[0.9, 0.8, 0.1, 0.6], [0.1, 0.05, 0.2, 0.1]])  # [C, A]
HEAD = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("boxes", 2))


def seen(**more: Any) -> Seen:
    y = np.log(P / (1 - P))[None]
    return Seen(y, {"boxes": CORNERS[None]}, Asking(NAMES, 1, HEAD), (100, 100), **more)


def ask(text: str, **more: Any) -> list[Any]:
    (question,) = parse_target(text, NAMES, head=HEAD)
    return list(question.found_in(seen(**more)))


def box(target: Any) -> dict[str, Any]:
    return target.detail[0]["box"]


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("box:0", [0]),
        ("box:1", [3]),
        ("box:all", [0, 3]),
        ("person", [0]),
        ("person@75,20", [3]),
        ("0", [0]),
        ("nobox:dog@38,38,60,60", [2]),
        ("-1", [0]),
    ],
)
def test_which_anchor(text: str, anchors: list[int]) -> None:
    found = ask(text)
    assert [target.anchor for target in found] == [(a,) for a in anchors]


def test_top_is_the_best_boxes_as_many_as_there_are() -> None:
    questions = parse_target("top:3", NAMES, head=HEAD)
    found = [t for question in questions for t in question.found_in(seen())]
    assert [t.label for t in found] == ["box:0", "box:1"]


def test_its_score_is_the_number_of_the_model_and_its_slope_one_there() -> None:
    (target,) = ask("person@75,20")
    y = seen().score
    assert target.score(y) == pytest.approx(np.log(0.6 / 0.4))
    assert target.probability == pytest.approx(0.6)
    slope = np.zeros_like(y)
    slope[0, 0, 3] = 1
    np.testing.assert_array_equal(target(y), slope)


def test_points_and_corners_are_those_of_the_photo() -> None:
    twice = Placement((50, 200), (100, 100), (0, 0, 50, 200), (100, 100), (0, 0))
    (target,) = ask("person@150,10", placement=twice)
    assert box(target)["corners"] == [140, 5, 180, 15]


def test_why_there_is_none_says_what_is_lacking() -> None:
    (target,) = ask("nobox:dog@38,38,60,60")
    assert target.detail[0]["nobox"]["gap"] == pytest.approx(0.25 - 0.2)
    assert target.detail[0]["nobox"]["overlap"] == pytest.approx(400 / 484)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dog", r"no 'dog' from 0.25 on; the best is dog 0.2 at 40,40,60,60: ask for '1@anchor:2'"),
        ("box:5", r"no such box; there is person 0.9 at 0,0,20,20; person 0.6"),
        ("person@99,99", r"no such 'person' over 99,99; there is person 0.9"),
        ("nobox:dog@95,95,99,99", "no anchor's box lies over that area"),
    ],
)
def test_a_box_that_is_not_there(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ask(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2", r"2: class 2 is out of range: the score has 2 \(0 to 1\)"),
        ("-2", "2: class 2 is out of range"),
        ("nobox:7@1,1,9,9", "class 7 is out of range"),
        ("nobox:-1@1,1,9,9", "class -1 is out of range"),
    ],
)
def test_a_class_that_the_score_has_not(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ask(text)


def test_of_the_background_there_are_no_boxes() -> None:
    head = Head("y", "boxes", "", "y", 1, "Softmax", BoxNumbers("boxes", 2, background=1))
    with pytest.raises(TargetError, match="dog: class 1 is the background"):
        parse_target("dog", NAMES, head=head)[0].found_in(
            Seen(seen().score, {"boxes": CORNERS[None]}, Asking(NAMES, 1, head), (100, 100))
        )


@pytest.mark.parametrize(
    "text",
    ["box", "box:x", "box:-1", "top:x", "prob:0", "prob:top", "0-1", "person@5", "nobox:person"],
)
def test_what_is_no_question_to_a_detector(text: str) -> None:
    for names in (NAMES, None):
        with pytest.raises(TargetError, match=f"'{text}' is no question to a detector: ask box:0,"):
            parse_target(text, names, head=HEAD)
    assert parse_target(text, [*NAMES, text], head=HEAD)[0].label == text


def test_how_many_boxes_may_be_asked_for() -> None:
    with pytest.raises(TargetError, match="'top:0': top:k needs a k of at least 1"):
        parse_target("top:0", NAMES, head=HEAD)
    assert len(parse_target("top:100000000", NAMES, head=HEAD)) == 100


def test_below_the_threshold_the_usual_question_takes_the_best() -> None:
    (target,) = parse_target("top:2", NAMES, head=HEAD)[0].found_in(seen(threshold=0.95))
    assert box(target)["below"] == 0.95
    assert target.doubts == ("no box: its 0.9 is below 0.95, this is the best there is",)
    assert ask("box:1")[0].doubts == ("",)
    assert ask("nobox:dog@38,38,60,60")[0].doubts == ("",)
    assert parse_target("top:2", NAMES, head=HEAD)[1].found_in(seen(threshold=0.95)) == ()


def test_before_the_model_was_run_there_is_no_formula() -> None:
    with pytest.raises(TargetError, match="depends on what the model finds"):
        parse_target("box:0")[0](np.zeros((1, 2, 4)))
    with pytest.raises(TargetError, match="a box, and the model gives classes: ask for nothing to"):
        parse_target("box:0")[0].found_in(
            Seen(np.zeros((1, 2)), {}, Asking(head=Head("y", "classes", "", "y")))
        )


def test_rows_have_anchors_of_their_own() -> None:
    one = seen()
    both = Seen(
        np.concatenate([one.score, one.score[:, :, ::-1]]),
        {"boxes": np.stack([CORNERS, CORNERS[::-1]])},
        one.asking,
        (100, 100),
    )
    (target,) = parse_target("box:0", NAMES, head=HEAD)[0].found_in(both)
    assert target.anchor == (0, 3)
    np.testing.assert_allclose(target.score(both.score), np.log(9))
    rows = np.concatenate([one.score, one.score - 2])
    uneven = Seen(rows, {"boxes": np.stack([CORNERS] * 2)}, one.asking, (100, 100))
    assert target.title(None, NAMES) == "person"  # of both rows
    assert target.probability == pytest.approx(0.9)
    (every,) = parse_target("box:all", NAMES, head=HEAD)
    with pytest.raises(TargetError, match="asked one by one"):
        every.found_in(uneven)


def test_the_boxes_of_a_look_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many questions are about them; at another threshold they are others."""
    from cam_core.targets.detection import boxed as module

    own, calls = module.detections, []
    monkeypatch.setattr(module, "detections", lambda *given: calls.append(1) or own(*given))
    one = seen()
    for question in parse_target("top:3", NAMES, head=HEAD):
        question.found_in(one)
    assert len(calls) == 1
    (question,) = parse_target("box:all", NAMES, head=HEAD)
    assert len(question.found_in(replace(one, threshold=0.7))) == 1
    assert len(question.found_in(one)) == 2
    assert len(calls) == 2


def test_an_anchor_by_its_number_has_its_box_in_the_record() -> None:
    (target,) = ask("1@anchor:2")
    assert box(target)["corners"] == [40, 40, 60, 60]
    assert box(target)["probability"] == pytest.approx(0.2)
    assert target.probability == pytest.approx(0.2)
    assert target.doubts == ("no box: its 0.2 is below 0.25",)
    assert target.title(1, NAMES) == "dog"
    assert (target.label, int(target.classes(seen().score)[0])) == ("1@anchor:2", 1)
    photo = Placement((50, 50), (100, 100), (0, 0, 50, 50), (100, 100), (0, 0))
    (question,) = parse_target("person@anchor:3", NAMES, head=HEAD)
    (placed,) = question.found_in(seen(placement=photo))
    assert box(placed)["corners"] == [35, 5, 45, 15]
    assert placed.doubts == ("",)


def test_an_anchor_whose_box_cannot_be_read_has_none() -> None:
    """As where the boxes are not those of its anchors, or there is no such anchor."""
    (question,) = parse_target("1@anchor:2", NAMES, head=HEAD)
    (target,) = question.found_in(replace(seen(), outputs={"boxes": CORNERS[None, :3]}))
    assert (target.anchor, target.detail) == (2, ())
    (beyond,) = ask("1@anchor:9")
    assert beyond.detail == ()
