"""Which class is the blank, how lines are written, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.reading import Alphabet

LETTERS = ["", "a", "b", " ", "c"]


def steps(*best: int) -> np.ndarray:
    return np.eye(5)[list(best)][None]


@pytest.mark.parametrize(
    ("names", "best", "blank"),
    [
        (None, (0, 0, 1, 4), 0),
        (None, (4, 4, 1, 0), 4),
        (None, (1, 2), 0),
        (LETTERS, (4, 4), 0),
        (["a", "b", "c", "d", "<blank>"], (0, 0), 4),
        (["a", "b", "c", "d", "e"], (4, 4), 4),
        (["a", "b"], (4, 4), 4),
    ],
)
def test_the_blank_is_named_or_wins_more_steps(names, best, blank) -> None:
    found = Alphabet.of(names, steps(*best))
    assert found.blank == blank
    assert found.known


def test_lines_are_written_in_letters_words_or_numbers() -> None:
    letters, words = Alphabet(LETTERS, 0, ""), Alphabet(["", "yes", "no", "stop", "go"], 0, "")
    numbers = Alphabet(None, 0, "")
    assert [a.written((1, 3, 4)) for a in (letters, words, numbers)] == [
        "a c",
        "yes stop go",
        "1 3 4",
    ]
    assert letters.read("cab a", "x") == (4, 1, 2, 3, 1)
    assert words.read("no go", "x") == (2, 4)
    assert numbers.read("12,7 7", "x") == (12, 7, 7)


def test_a_space_has_several_spellings() -> None:
    assert Alphabet(["", "a", "|"], 0, "").written((1, 2, 1)) == "a a"
    assert Alphabet(["", "a", "|", " "], 0, "").written((1, 2, 3, 1)) == "a| a"


@pytest.mark.parametrize(
    ("names", "text", "words"),
    [
        (LETTERS, "cafe", "text:cafe: the alphabet has no 'f', 'e'; it has"),
        (["", "yes", "no"], "yes maybe", "has no 'maybe'; it has"),
        (None, "cab", r"the alphabet is unknown: .* class numbers \(text:12,7,7\)"),
    ],
)
def test_what_the_alphabet_lacks_is_refused(names, text, words) -> None:
    with pytest.raises(TargetError, match=words):
        Alphabet(names, 0, "").read(text, f"text:{text}")
