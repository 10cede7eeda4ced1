"""What can go wrong is one printable line, of a kind that can be told apart."""

from __future__ import annotations

import pickle

import pytest

from cam_core import errors
from cam_core.errors import LONGEST, CamError

KINDS = [value for value in vars(errors).values() if isinstance(value, type)]
TREE = {
    "CamError": "Exception",
    "ModelError": "CamError",
    "UnsupportedOpError": "ModelError",
    "LayerError": "CamError",
    "TargetError": "CamError",
    "NothingFoundError": "TargetError",
    "InputError": "CamError",
    "UnreachableError": "InputError",
    "MissingExtraError": "CamError",
}


def test_the_kinds_are_those_of_the_page() -> None:
    assert {kind.__name__: kind.__base__.__name__ for kind in KINDS} == TREE
    drawn = (errors.__doc__ or "").split("\n\n")[1]
    assert [line.split("── ")[-1].split()[0] for line in drawn.splitlines()] == list(TREE)
    assert all(kind.__doc__ for kind in KINDS)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("no layer 'a'", "no layer 'a'"),
        ("two\nlines\r\nor\tthree", "two lines or three"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\u2028b\u200ec\x00d\x7f", "a b c d"),
        ("  space   at all ends ", "space at all ends"),
        ("Käse, 犬, 🐶", "Käse, 犬, 🐶"),
        ("half a pair \ud800", "half a pair"),
        ("", ""),
    ],
)
def test_a_message_is_one_printable_line(given: str, line: str) -> None:
    for kind in KINDS:
        assert str(kind(given)) == line


def test_a_long_message_keeps_its_ends() -> None:
    assert str(CamError("x" * LONGEST)) == "x" * LONGEST
    found = str(CamError("a" * LONGEST + "b" + "c" * LONGEST))
    assert found == "a" * (LONGEST // 2) + " ... " + "c" * (LONGEST // 2)


def test_an_error_comes_whole_out_of_another_process() -> None:
    for kind in KINDS:
        found = pickle.loads(pickle.dumps(kind("no layer\n'a'")))
        assert (type(found), str(found)) == (kind, "no layer 'a'")
