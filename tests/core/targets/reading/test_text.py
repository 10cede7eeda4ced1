"""Lines asked for in words, of a reader written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import Asking, Seen, TextTarget, parse_target
from tests.core.targets.reading.readers import HEAD, NAMES, reads, seen


def ask(text: str, y: Any, labels: Any = NAMES) -> Any:
    (question,) = parse_target(text, labels, head=HEAD, class_axis=2)
    (found,) = question.found_in(seen(y, labels))
    return found


def test_the_line_that_is_read() -> None:
    y = reads("_aa_b ")
    target = ask("text", y)
    (detail,) = target.detail
    assert (target.lines, target.blank) == (((1, 2, 3),), 0)
    assert (detail["text"]["line"], detail["text"]["reads"]) == ("ab ", "ab ")
    assert detail["text"]["probability"] == pytest.approx(np.exp(target.score(y)[0]))
    assert target.probability == detail["text"]["probability"]
    assert target.title(None, NAMES) == "'ab '"


def test_another_line() -> None:
    y = reads("_aa_b ")
    target = ask('text:"ba "', y)
    assert target.lines == ((2, 1, 3),)
    assert target.detail[0]["text"]["reads"] == "ab "
    assert target.score(y)[0] < ask("text", y).score(y)[0]
    assert ask("text:2,1", y, None).lines == ((2, 1),)


@pytest.mark.parametrize("axis", [1, 2])
def test_its_slope_is_that_of_its_score(axis: int, rng) -> None:
    y = np.moveaxis(rng.normal(size=(2, 7, 5)), 2, axis)
    target, direction, h = TextTarget(((1, 2), (3, 3)), 0, axis), rng.normal(size=y.shape), 1e-5
    slope = (target.score(y + h * direction) - target.score(y - h * direction)) / (2 * h)
    claimed = (target(y) * direction).reshape(2, -1).sum(axis=1)
    np.testing.assert_allclose(claimed, slope, rtol=1e-7)


def test_rows_read_lines_of_their_own() -> None:
    y = np.concatenate([reads("_aa_b "), reads("c__c__")])
    assert ask("text", y).lines == ((1, 2, 3), (4, 4))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text:abé", "the alphabet has no 'é'"),
        ("text:abcabcabc", "9 characters need 9 steps, the picture has 6"),
        ("text:aaaa", "4 characters need 7 steps, the picture has 6"),
    ],
)
def test_a_line_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ask(text, reads("_aa_b ")).score(reads("_aa_b "))


def test_a_blank_is_no_character() -> None:
    with pytest.raises(TargetError, match="class 0 is no character: there are 0 to 4, 0 is the bl"):
        TextTarget(((1, 0),), 0, 2).score(reads("_aa_b "))
    with pytest.raises(TargetError, match="2 lines for a batch of 1"):
        TextTarget(((1,), (2,)), 0, 2).score(reads("_aa_b "))


def test_a_classifier_reads_nothing() -> None:
    (question,) = parse_target("text")
    with pytest.raises(TargetError, match="asks for a text, and the model gives classes"):
        question.found_in(Seen(np.zeros((1, 3)), {}, Asking(head=Head("y", "classes", "", "y"))))


def test_a_file_cannot_hold_all_alignments() -> None:
    (question,) = parse_target("text", NAMES, head=HEAD, class_axis=2)
    with pytest.raises(TargetError, match=r"cam_core.targets.TextTarget\(\(\(12, 7\),\), blank=0"):
        question(np.zeros((1, 6, 5)))
