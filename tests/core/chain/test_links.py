"""What goes where in a chain: names that are found, told apart, refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from cam_core.chain.links import Link, distinct, find_links, told_apart
from cam_core.errors import InputError

NAMES = ["eye", "mind", "mouth"]
OUTPUTS = [["seen", "y"], ["thought", "y"], ["said"]]
INPUTS = [["x"], ["seen", "x"], ["thought", "past"]]


def links(connect: Mapping[str, str] | None, count: int = 3) -> Sequence[Link]:
    return find_links(connect, NAMES[:count], OUTPUTS[:count], INPUTS[:count])


def test_equal_names_are_connected() -> None:
    assert links(None) == [Link(0, "seen", 1, "seen"), Link(1, "thought", 2, "thought")]


def test_names_that_differ_are_said() -> None:
    found = links({"eye:y": "mind:x", "mind:y": "past"})
    assert found == [Link(0, "y", 1, "x"), Link(1, "y", 2, "past")]


ERRORS: list[tuple[Mapping[str, str] | None, int, str]] = [
    ({"y": "seen"}, 2, "several models have an output 'y': write eye:y or mind:y"),
    ({"seen": "x"}, 2, "several models have an input 'x': write eye:x or mind:x"),
    ({"sen": "seen"}, 2, "no model has an output 'sen'; there are seen"),
    ({"seen": "nowhere"}, 2, "no model has an input 'nowhere'; there are x, seen, x"),
    ({"said": "seen"}, 3, "'said' of 'mouth' cannot be 'seen' of 'mind': name the models in the"),
    ({"eye:y": "seen", "seen": "seen"}, 2, "'seen' of 'mind' is connected twice"),
    (
        {"seen": "seen"},
        3,
        "nothing of 'mind' goes on: connect one of its outputs .thought, y. with",
    ),
]


@pytest.mark.parametrize(("connect", "count", "words"), ERRORS, ids=[w[:30] for *_, w in ERRORS])
def test_what_cannot_be_connected_is_said(
    connect: Mapping[str, str] | None, count: int, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        links(connect, count)


def test_only_what_several_have_says_of_which_it_is() -> None:
    found = told_apart([["a", "x"], ["b", "x"]], ["one", "two"])
    assert found == [{"a": "a", "x": "one:x"}, {"b": "b", "x": "two:x"}]


def test_models_of_one_name_get_their_places() -> None:
    assert distinct(["model", "other", "model", ""]) == ["model0", "other", "model2", "3"]
