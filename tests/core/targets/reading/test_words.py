"""Words at the steps that predict them, against log-softmax written as loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import Asking, Seen, StepsTarget, as_target, parse_target

METADATA = {"vocabulary": '["<pad>", "<start>", "<end>", "the", "red", "circle", "blue"]'}
FED = np.array([[1, 3, 4, 5, 3, 6, 5, 0]])


def seen(y: Any, fed: Any = FED, **more: Any) -> Seen:
    asking = Asking(class_axis=2)
    return Seen(y, {}, asking, inputs={"words": fed}, metadata=more.get("metadata", METADATA))


def found(text: str, y: Any, **more: Any) -> StepsTarget:
    (question,) = parse_target(text, class_axis=2)
    (target,) = question.found_in(seen(y, **more))
    assert isinstance(target, StepsTarget)
    return target


@pytest.fixture
def y(rng: np.random.Generator) -> Any:
    return rng.normal(size=(1, 8, 7))


def log_p(row: Any, word: int) -> float:
    return float(row[word]) - math.log(sum(math.exp(v) for v in row))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("words:red circle", [(1, 4), (2, 5)]),
        ('words:"blue circle"', [(4, 6), (5, 5)]),
        ("words:circle", [(2, 5)]),
        ("words", [(0, 3), (1, 4), (2, 5), (3, 3), (4, 6), (5, 5)]),
    ],
)
def test_the_steps_and_their_score(text: str, steps: list, y: Any) -> None:
    target = found(text, y)
    assert target.chosen == (tuple(steps),)
    expected = sum(log_p(y[0, t], word) for t, word in steps)
    assert target.score(y) == pytest.approx(expected)
    other = y.transpose(0, 2, 1)
    assert StepsTarget(target.chosen, 1).score(other) == pytest.approx(expected)


def test_every_row_has_a_text_of_its_own(rng: np.random.Generator) -> None:
    fed = np.array([[1, 3, 4, 5], [1, 4, 5, 2]])
    y = rng.normal(size=(2, 4, 7))
    target = found("words:red circle", y, fed=fed)
    assert target.chosen == (((1, 4), (2, 5)), ((0, 4), (1, 5)))
    assert target.score(y)[1] == pytest.approx(log_p(y[1, 0], 4) + log_p(y[1, 1], 5))
    assert [row["caption"] for row in target.detail] == ["the red circle", "red circle"]


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("words:blue the", {}, "the caption is 'the red circle the blue circle'"),
        ("words:dog", {}, "no word 'dog'; it has the, red"),
        ("words", {"metadata": {}}, "lists no vocabulary"),
        ("words", {"fed": FED[:, :3]}, "no input holds the words of 8 steps"),
    ],
)
def test_what_cannot_be_asked(text: str, more: dict, words: str, y: Any) -> None:
    with pytest.raises(TargetError, match=words) as refusal:
        found(text, y, **more)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["red", "red circle", "words:", "words: "])
def test_a_word_is_asked_for_as_words(text: str) -> None:
    caption = Head("logits", "caption", "", "logits", 2)
    with pytest.raises(TargetError, match="a caption is asked for its words"):
        parse_target(text, head=caption)


@pytest.mark.parametrize("text", ["3", "-1", "top", "top:2", "red", "3-4", "-3", "3,4", "value",
                                  "value:3", "norm", "prob:3", "loss:3"])  # fmt: skip
def test_no_class_is_summed_over_the_steps_of_a_caption(text: str) -> None:
    caption = Head("logits", "caption", "", "logits", 2)
    with pytest.raises(TargetError, match="a sum over all steps: ask for its words, as 'words'"):
        parse_target(text, ["red", "blue"], head=caption)
    with pytest.raises(TargetError, match="a sum over all steps"):
        as_target([3, 4], head=caption)
    assert parse_target("3@anchor:2", head=caption)[0].label == "3@anchor:2"  # a word at a step
