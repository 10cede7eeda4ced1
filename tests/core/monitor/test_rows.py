"""Columns as they were logged: which are numbers, which are classes, which rows have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.stats import STATS
from cam_core.monitor import rows_of

FULL: dict[str, Any] = {name: [float(i), i + 0.5] for i, name in enumerate(STATS)}


def test_a_column_a_number_whatever_else_there_is() -> None:
    found = rows_of({"time": ["mon", "tue"], **FULL, "class": [3, 1]}, "a.csv")
    assert found.names == tuple(STATS)
    assert found.values.tolist() == [[float(i) for i in range(8)], [i + 0.5 for i in range(8)]]
    assert (found.classes, found.labels, found.said, found.left_out) == (("3", "1"), None, {}, 0)
    assert found.of("centre_x").tolist() == [3.0, 3.5]


def test_all_numbers_in_one_column() -> None:
    found = rows_of({"cam_stats": [list(range(8)), None, [0.0] * 8]}, "a.jsonl")
    assert found.values.tolist() == [[float(i) for i in range(8)], [0.0] * 8]
    assert found.left_out == 1
    with pytest.raises(InputError, match="cam_stats has 7 numbers, not 8"):
        rows_of({"cam_stats": [list(range(7))]}, "a.jsonl")


@pytest.mark.parametrize("value", ["", None, "nan", float("nan"), "a word", float("inf")])
def test_a_row_without_a_number_is_left_out(value: Any) -> None:
    found = rows_of({**FULL, "entropy": [value, "0.25"], "class": ["a", "b"]}, "a.csv")
    assert (len(found), found.left_out, found.labels) == (1, 1, ("b",))
    assert found.of("entropy").tolist() == [0.25]


def test_a_number_that_nobody_logged_is_no_number() -> None:
    found = rows_of({"energy": [1, 2], "entropy": ["", ""]}, "a.csv")
    assert found.names == ("energy",)


@pytest.mark.parametrize("name", ["class", "answer_class", "cam_class_used"])
def test_the_class_has_several_names(name: str) -> None:
    assert rows_of({**FULL, name: ["3", 4.0]}, "a").classes == ("3", "4")
    assert rows_of({**FULL, name: ["cat", None]}, "a").labels == ("cat", "")


def test_what_it_is_of_is_said_once() -> None:
    found = rows_of({**FULL, "model_sha256": ["ab", ""], "layer": ["relu", "relu"]}, "a")
    assert found.said == {"model": {"ab"}, "layer": {"relu"}}
    with pytest.raises(InputError, match=r"several kinds by model_sha256 \(ab, cd\): part them"):
        rows_of({**FULL, "model_sha256": ["ab", "cd"]}, "a")


def test_no_numbers_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="no column of a map's numbers; there are time, and want"):
        rows_of({"time": [1, 2]}, "a.csv")
    with pytest.raises(InputError, match="its columns have 1 and 2 rows"):
        rows_of({**FULL, "energy": [1]}, "a.npz")


def test_some_of_the_rows() -> None:
    found = rows_of({**FULL, "class": [3, 1]}, "a").taken(np.array([1]))
    assert (found.values[0, 0], found.classes, len(found)) == (0.5, ("1",), 1)
