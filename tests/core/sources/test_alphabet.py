"""Alphabets as their tools write them: with the blank and without, spaces kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.sources.alphabet import names_of, read_alphabet, stated_alphabet

CASES = [  # text, classes, names
    ("-\na\nb\n", 3, ("-", "a", "b")),
    ("a\nb\n", 3, ("", "a", "b")),
    ("a\nb\n \n", 5, ("", "a", "b", " ", " ")),
    ("a\nb\n ", 4, ("", "a", "b", " ")),
    ("ab c", 5, ("", "a", "b", " ", "c")),
    ("a\r\nb\r\n", 2, ("a", "b")),
    ("a\nb", 7, None),
    ("a\nb", 1, None),
    ("", 2, None),
]


@pytest.mark.parametrize(("text", "classes", "names"), CASES)
def test_one_name_a_class(text: str, classes: int, names: tuple[str, ...] | None) -> None:
    assert names_of(text, classes) == names


def test_where_it_is_from(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("a\nb\n", encoding="utf-8")
    found = read_alphabet(path, 3)
    assert found is not None
    assert (found.source, found.names) == (f"'{path}'", ("", "a", "b"))
    assert read_alphabet(tmp_path / "no.txt", 3) is None
    stated = stated_alphabet({"task": "x", "character": "a\nb"}, 3)
    assert stated is not None
    assert (stated.source, stated.names) == ("metadata 'character'", ("", "a", "b"))
    assert stated_alphabet({"character": "a\nb"}, 9) is None
