"""A class by number, by name, by one of its synonyms."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets.labels import find_class, index_text, label_of, plain

LABELS = [
    "tench, Tinca tinca",
    "tiger cat",
    "crane",
    "Crane",
    "7",
    "crane, machine",
    "bull mastiff",
]


@pytest.mark.parametrize(
    ("text", "index"),
    [("1", 1), (" -1 ", -1), ("999", 999), ("tiger cat", 1), ("TIGER CAT", 1), ("tinca TINCA", 0),
     ("tench", 0), ("'7'", 4), ('"7"', 4), ("tench, Tinca tinca", 0)],
)  # fmt: skip
def test_found(text: str, index: int) -> None:
    assert find_class(text, LABELS) == index


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("crane", "stands for classes 2, 3: give the index"),
        ("mastiff", "no label 'mastiff'; did you mean 'bull mastiff'"),
        ("tigre cat", "did you mean 'tiger cat'"),
        ("xyz", "no label 'xyz'$"),
        ("''", "an empty target"),
        ("  ", "an empty target"),
    ],
)
def test_refused(text: str, told: str) -> None:
    with pytest.raises(TargetError, match=told):
        find_class(text, LABELS)


def test_a_name_needs_labels() -> None:
    with pytest.raises(TargetError, match="'crane' is a name, but the labels are unknown"):
        find_class("crane")


def test_names_and_numbers() -> None:
    assert [label_of(i, LABELS) for i in (1, -1, 7)] == ["tiger cat", "-1", "7"]
    assert label_of(3, None) == "3"
    assert (index_text(243), index_text((-1, 3))) == ("243", "top,3")
    assert plain(np.int64(3)) == 3
    assert plain(np.array([1, 2])) == (1, 2)
    assert type(plain(np.int64(3))) is int
    with pytest.raises(TargetError, match=r"class 0\.5 is no integer"):
        plain(0.5)  # type: ignore[arg-type]
