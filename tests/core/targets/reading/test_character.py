"""Characters of the line that is read: their steps, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import parse_target
from tests.core.targets.reading.readers import HEAD, NAMES, reads, seen


def ask(text: str, y: Any, labels: Any = NAMES) -> list[Any]:
    (question,) = parse_target(text, labels, head=HEAD, class_axis=2)
    return list(question.found_in(seen(y, labels)))


def test_each_has_its_class_and_its_steps() -> None:
    y = reads("_aa_b ")
    found = ask("char:all", y)
    assert [t.label for t in found] == ["char:1", "char:2", "char:3"]
    assert [t.detail[0]["char"]["character"] for t in found] == ["a", "b", " "]
    assert [t.detail[0]["char"]["steps"] for t in found] == [[1, 2], [4, 4], [5, 5]]
    assert [int(t.classes(y)[0]) for t in found] == [1, 2, 3]
    np.testing.assert_allclose(found[0].score(y), y[:, 1:3, 1].mean(axis=1))
    np.testing.assert_allclose(found[1].score(y), y[:, 4, 2])
    np.testing.assert_array_equal(
        found[0].outline.values[0], [False, True, True, False, False, False]
    )


def test_one_of_them_counted_from_one() -> None:
    y = reads("_aa_b ")
    (target,) = ask("char:2", y)
    slope = np.zeros_like(y)
    slope[0, 4, 2] = 1
    np.testing.assert_array_equal(target(y), slope)
    p = np.exp(y[0, 4]) / np.exp(y[0, 4]).sum()
    assert target.probability == pytest.approx(p[2])
    assert target.title(2, NAMES) == "b"


def test_without_an_alphabet_a_line_is_numbers() -> None:
    (target,) = ask("char:2", reads("_aa_b_"), None)
    assert target.detail[0]["char"]["line"] == "1 2"
    assert target.detail[0]["char"]["blank"] == 0


def test_rows_have_characters_of_their_own() -> None:
    y = np.concatenate([reads("_aa_b_"), reads("c__c__")])
    first, second = ask("char:all", y)
    np.testing.assert_allclose(first.score(y), [y[0, 1:3, 1].mean(), y[1, 0, 4]])
    assert second.index == (2, 4)
    with pytest.raises(TargetError, match="rows with lines of other lengths are asked"):
        ask("char:all", np.concatenate([reads("_aa_b_"), reads("______")]))


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("char:4", "_aa_b ", "the model reads 'ab ', characters 1 to 3; ask for one of them"),
        ("char:all", "______", "reads nothing here, all steps are blank"),
        ("char:0", "_aa_b ", "characters are counted from 1"),
    ],
)
def test_a_character_that_is_not_there(text: str, path: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        ask(text, reads(path))
