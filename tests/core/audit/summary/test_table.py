"""Columns out of the files of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table
from cam_core.audit.plan import FILES, PART, part_of
from cam_core.audit.rows import write_manifest
from cam_core.audit.run import run
from cam_core.audit.summary.table import grouped
from cam_core.errors import InputError
from tests.core.audit.tiny import photos, tiny_plan


def test_columns_are_those_of_the_rows(tmp_path: Path) -> None:
    run(tiny_plan(photos(tmp_path / "photos", 8, broken=[4])), tmp_path / "out")
    table = open_table(tmp_path / "out")
    rows = list(table.parts.rows(list(table.columns)))
    assert len(table) == len(rows) == 8
    assert "way" in table.measured  # which the verdict sets
    for name in set(table.measured) - {"way"}:
        if name == "failed":
            expected = [float(row["error"] is not None) for row in rows]
        else:
            expected = [np.nan if row[name] is None else float(row[name]) for row in rows]
        np.testing.assert_array_equal(table.numbers(name), expected)
    assert table.words("photo") == [row["photo"] for row in rows]
    assert table.numbers("failed").sum() == 1


def test_a_report_without_a_row_is_told(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"bounds": None})
    with pytest.raises(InputError, match="the report has no row yet"):
        open_table(tmp_path)


def test_rows_are_grouped_by_their_word() -> None:
    words = ["ox", None, "ant", "ox", "", "ant", "ox"]
    names, codes = grouped(words)
    assert names == ["", "ant", "ox"]
    assert [None if code < 0 else names[code] for code in codes] == words
    assert grouped([None, None])[1].tolist() == [-1, -1]


@pytest.mark.parametrize("count", [1, PART * FILES, PART * FILES + 1, 10_000_000, 10**9])
def test_files_have_whole_parts_and_are_not_too_many(count: int) -> None:
    part = part_of(count)
    assert part % PART == 0
    assert -(-count // part) <= FILES
    assert part == PART or -(-count // (part - PART)) > FILES
