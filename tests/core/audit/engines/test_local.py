"""Several processes make the rows that one makes, also where some of them are killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.engines.local import Local
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.engines.fatal import METRICS, Tiny, rows
from tests.core.audit.tiny import photos, tiny_plan

COUNT = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(photos(tmp_path_factory.mktemp("photos"), COUNT, broken=[4]))


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_a_killed_process_costs_no_row(folder: str, tmp_path: Path) -> None:
    run(tiny_plan(folder, metrics=METRICS), tmp_path / "alone")
    engine = Local(Tiny(folder, 11, tmp_path / "once"), 2)
    done: list[int] = []
    run(tiny_plan(folder, metrics=METRICS), tmp_path / "many", engine=engine, step=done.append)
    assert engine.broken == 1
    assert rows(tmp_path / "many") == rows(tmp_path / "alone")
    assert done == sorted(done)
    assert done[-1] == COUNT


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_a_photo_that_kills_each_time_is_told_and_the_rest_is_kept(
    folder: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="processes ended under the photos again and again"):
        run(tiny_plan(folder, metrics=METRICS), tmp_path / "out", engine=Local(Tiny(folder, 11), 1))
    kept = rows(tmp_path / "out")
    assert [row["index"] for row in kept] == list(range(9))  # files of three
