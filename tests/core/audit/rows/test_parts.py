"""Rows as files, and what is refused of them; what happens to a whole run is in test_run.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.measure import COLUMNS
from cam_core.audit.rows.parts import KINDS, NUMBERS, Parts
from cam_core.errors import InputError

COLUMN_KINDS = {
    **{"name": "text", "value": "number", "place": "whole", "lit": "yes"},
    **{"map": "numbers"},
}
ROWS: list[dict[str, Any]] = [
    {"name": "a", "value": 0.5, "place": 1, "lit": True, "map": [0.5, 0.25]},
    {"name": None, "value": None, "place": None, "lit": None, "map": None},
    {"name": "ö", "value": 1e300, "place": 2**40, "lit": False, "map": []},
]


def filled(folder: Path) -> Parts:
    parts = Parts(folder, COLUMN_KINDS, sweeping=True)
    parts.append(ROWS[:2])
    parts.append(ROWS[2:])
    return parts


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    filled(tmp_path)
    again = Parts(tmp_path, COLUMN_KINDS)
    assert again.count == 3
    assert list(again.rows(list(COLUMN_KINDS))) == ROWS
    assert list(again.rows(["place"])) == [{"place": row["place"]} for row in ROWS]
    names = [file.name for file in again.files]
    assert names == ["rows-000000000.parquet", "rows-000000002.parquet"]


def test_anyone_reads_them(tmp_path: Path) -> None:
    from pyarrow.parquet import read_table

    filled(tmp_path)
    assert read_table(tmp_path / "rows").to_pylist() == ROWS


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    last = filled(tmp_path).files[-1]
    last.write_bytes(last.read_bytes()[:50])
    with pytest.raises(InputError, match=r"rows-000000002.parquet' is damaged: take it"):
        Parts(tmp_path, COLUMN_KINDS)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    filled(tmp_path).files[0].unlink()
    with pytest.raises(InputError, match="the rows from 0 on are missing"):
        Parts(tmp_path, COLUMN_KINDS)


def test_what_a_killed_run_left_is_taken_away_by_the_next_alone(tmp_path: Path) -> None:
    parts = filled(tmp_path)
    left = parts.folder / ".rows-000000003.parquet.77.part"
    left.write_bytes(b"half")
    assert Parts(tmp_path, COLUMN_KINDS).count == 3
    assert left.exists()
    Parts(tmp_path, COLUMN_KINDS, sweeping=True)
    assert not left.exists()


def test_every_column_is_of_a_kind_that_there_is() -> None:
    assert {column.kind for column in COLUMNS.values()} <= {*KINDS, NUMBERS}
