"""The names that layers of live models go by."""

from __future__ import annotations

import pytest

from backends.live.calls import Call, name_of, parse_name, require_called
from cam_core.errors import LayerError

PATHS = ("stem", "relu", "body.0")


def test_only_the_last_call_has_no_number() -> None:
    calls = [Call("relu", n, "ReLU", None, ()) for n in (1, 2, 3)]
    calls.append(Call("stem", 1, "Conv2d", None, ()))
    assert [name_of(c, calls) for c in calls] == ["relu#1", "relu#2", "relu", "stem"]


@pytest.mark.parametrize(
    ("name", "expected"), [("relu", ("relu", None)), ("body.0#12", ("body.0", 12))]
)
def test_a_name_is_a_path_and_a_call(name: str, expected: tuple[str, int | None]) -> None:
    assert parse_name(name, PATHS, "Net") == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rulu", "no module 'rulu' in Net; did you mean relu"),
        ("relu#x", "no module 'relu#x' in Net"),
        ("relu#-1", "no module"),
        ("zzz", "no module 'zzz' in Net$"),
    ],
)
def test_an_unknown_name(name: str, words: str) -> None:
    with pytest.raises(LayerError, match=words):
        parse_name(name, PATHS, "Net")


def test_a_call_must_have_been_made() -> None:
    assert [require_called("relu", n, 3) for n in (None, 1, 3)] == [3, 1, 3]
    with pytest.raises(LayerError, match="not called"):
        require_called("relu", None, 0)
    for number in (0, 4):
        with pytest.raises(LayerError, match="called 3 times"):
            require_called("relu", number, 3)
