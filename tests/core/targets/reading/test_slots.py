"""Lines of readers that give a character a step: where they end, and what another line is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import Asking, Seen, parse_target
from cam_core.targets.reading.alphabet import Alphabet
from cam_core.targets.reading.slots import read_slots, spelt

HEAD = Head("y", "sequence", "", "y", 2, by_step=True)
NAMES = ["[E]", "a", "b", "c", "[B]"]
"""As PARSeq has them: the end first, what starts a line last."""


def steps(*best: int) -> Any:
    noise = np.random.default_rng(1).normal(size=(1, len(best), 5))
    noise[0, range(len(best)), best] += 6
    return noise


def ask(text: str, y: Any, labels: Any = NAMES, head: Head = HEAD, **more: Any) -> list[Any]:
    (question,) = parse_target(text, labels, head=head, class_axis=2)
    return list(question.found_in(Seen(y, {}, Asking(labels, 2, head), **more)))


def log_p(y: Any, *chosen: tuple[int, int]) -> float:
    """Of a class at a step each, by hand."""
    return sum(y[0, t, c] - np.log(np.exp(y[0, t]).sum()) for t, c in chosen)


ENDS = [  # names, best classes of the steps -> the end, the line
    (NAMES, (1, 2, 2, 0, 3), 0, [1, 2, 2]),
    (NAMES, (4, 1, 2, 0, 0), 0, [1, 2]),
    (["a", "b", "c", "d", "</s>"], (0, 0, 4, 1), 4, [0, 0]),
    (["[GO]", "[s]", "a", "b", "c"], (0, 2, 3, 1, 1), 1, [2, 3]),
    (["", "a", "b", "c", "d"], (1, 0, 2), 0, [1]),
    (["a", "b", "c", "d", "<pad>"], (2, 1, 4, 4), 4, [2, 1]),
    (None, (3, 2, 0), 0, [3, 2]),
    (None, (3, 0, 4, 4), 4, [3, 0]),
    (None, (3, 2, 1), None, [3, 2, 1]),
    (["a", "b"], (3, 2, 1), None, [3, 2, 1]),
]


@pytest.mark.parametrize(("names", "best", "end", "line"), ENDS)
def test_a_line_goes_up_to_its_end(names, best, end, line) -> None:
    y = steps(*best)
    alphabet = Alphabet.of(names, y, by_step=True)
    assert (alphabet.by_step, alphabet.blank) == (True, end)
    found = read_slots(y[0], alphabet)
    assert [run.index for run in found] == line
    assert [run.stop - run.start for run in found] == [1] * len(line)


def test_names_tell_how_a_line_is_read() -> None:
    y = steps(1, 1, 0, 2)
    assert Alphabet.of(NAMES, y).by_step
    assert not Alphabet.of(["<pad>", "</s>", "a", "b", "c"], y).by_step  # CTC too
    assert not Alphabet.of(["a", "b", "c", "d", "e"], y).by_step


def test_a_character_is_the_score_at_its_step() -> None:
    y = steps(1, 2, 2, 0, 3)
    found = ask("char:all", y)
    assert [t.detail[0]["char"]["steps"] for t in found] == [[0, 0], [1, 1], [2, 2]]
    assert [t.detail[0]["char"]["line"] for t in found] == ["abb"] * 3
    assert found[0].detail[0]["char"]["end_known"] == "class 0 has that name"
    slope = np.zeros_like(y)
    slope[0, 2, 2] = 1
    np.testing.assert_array_equal(found[2](y), slope)


@pytest.mark.parametrize(
    ("text", "best", "chosen"),
    [
        ("text", (1, 2, 2, 0, 3), [(0, 1), (1, 2), (2, 2), (3, 0)]),
        ("text:ca", (1, 2, 2, 0, 3), [(0, 3), (1, 1), (2, 0)]),
        ("text:ca", (4, 2, 2, 0, 3), [(1, 3), (2, 1), (3, 0)]),
        ("text", (1, 2, 3), [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_a_line_is_the_sum_over_its_steps(text, best, chosen) -> None:
    y = steps(*best)
    (target,) = ask(text, y)
    assert target.score(y) == pytest.approx([log_p(y, *chosen)])
    assert target.detail[0]["text"]["probability"] == pytest.approx(np.exp(log_p(y, *chosen)))
    direction, h = np.random.default_rng(2).normal(size=y.shape), 1e-5
    slope = (target.score(y + h * direction) - target.score(y - h * direction)) / (2 * h)
    assert (target(y) * direction).sum() == pytest.approx(slope[0], rel=1e-6)


def test_its_title_is_the_line() -> None:
    (target,) = ask("text", steps(1, 2, 2, 0, 3))
    assert target.title(None, NAMES) == "'abb'"


def test_metadata_say_how_a_line_is_read() -> None:
    """Where the file does not show it, and against what it shows."""
    y = steps(1, 1, 2, 0)
    plain = Head("y", "dense classes", "", "y", 2)
    with pytest.raises(TargetError, match=r"a reader says so in its metadata \('reader': 'steps'"):
        ask("text", y, None, plain)
    (by_step,) = ask("text", y, None, plain, metadata={"reader": "steps"})
    (ctc,) = ask("text", y, None, HEAD, metadata={"reader": "ctc"})
    lines = [target.detail[0]["text"]["line"] for target in (by_step, ctc)]
    assert lines == ["1 1 2", "1 2"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ((1, 0), "class 0 is no character: there are 0 to 4, 0 is the end"),
        ((1, 7), "class 7 is no character"),
        ((1,) * 5, "5 characters, and the model has 4 steps"),
    ],
)
def test_a_line_that_cannot_be(line, words) -> None:
    y = steps(1, 2, 0, 0)
    with pytest.raises(TargetError, match=f"text: {words}"):
        spelt(line, y[0], Alphabet.of(NAMES, y), "text")


def test_a_line_that_ends_at_once() -> None:
    with pytest.raises(TargetError, match="reads nothing here, the line ends at once"):
        ask("char:1", steps(0, 0, 0))
