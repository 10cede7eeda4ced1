"""Texts as numbers and back, by the list in a model's metadata."""

from __future__ import annotations

import pytest

from cam_core.errors import InputError
from cam_core.sources.vocabulary import Vocabulary

WORDS = '["<pad>", "<start>", "<end>", "the", "Red", "circle"]'


def vocabulary() -> Vocabulary:
    found = Vocabulary.of({"vocabulary": WORDS})
    assert found is not None
    return found


def test_there_and_back() -> None:
    assert vocabulary().encode("The red  circle") == [3, 4, 5]
    assert vocabulary().decode([1, 3, 4, 5, 2, 0, 0, 99]) == "the Red circle"
    assert (vocabulary().start, vocabulary().end, vocabulary().pad) == (1, 2, 0)


def test_a_word_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match="no word 'dog'; it has the, Red, circle") as refusal:
        vocabulary().encode("the dog")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["null", "{}", "[]", "[1, 2]", "no JSON", "[" * 100_000])
def test_what_is_no_list_of_words_is_somebody_elses(text: str) -> None:
    assert Vocabulary.of({"vocabulary": text}) is None
    assert Vocabulary.of({}) is None
