"""Several processes make the rows that one makes, also where some of them are killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table
from cam_core.audit.local import Local, Reading
from cam_core.audit.plan import Plan
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.tiny import photos, tiny_plan

COUNT = 20
METRICS = ("entropy", "random_class")


@dataclass(frozen=True)
class Tiny:
    """The plan of a folder; a process that comes to a fatal photo is killed, once or each time."""

    folder: Path
    fatal: int = -1
    once: Path | None = None

    def __call__(self) -> Plan:
        plan = tiny_plan(self.folder, metrics=METRICS)

        def opener(item: Any, index: int) -> Any:
            if index == self.fatal and not (self.once is not None and self.once.exists()):
                if self.once is not None:
                    self.once.write_text("killed")
                os.kill(os.getpid(), signal.SIGKILL)
            return plan.opener(item, index)

        return replace(plan, opener=opener)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos"), COUNT, broken=[4])


def rows(out: Path) -> list[dict[str, Any]]:
    table = open_table(out)
    return list(table.parts.rows(list(table.columns)))


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
def test_a_killed_process_costs_no_row(folder: Path, tmp_path: Path) -> None:
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
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="processes ended under the photos again and again"):
        run(tiny_plan(folder, metrics=METRICS), tmp_path / "out", engine=Local(Tiny(folder, 11), 1))
    kept = rows(tmp_path / "out")
    assert [row["index"] for row in kept] == list(range(9))  # files of three


def test_parts_are_read_in_any_order(folder: Path) -> None:
    reading, names = Reading(tiny_plan(folder)), [item.id for item in tiny_plan(folder).items()]
    for start, end in ((0, 3), (6, 9), (9, 20), (3, 6), (0, 1)):
        part = reading.part(start, end)
        assert part[0][0] == start
        assert [item.id for _, item in part] == names[start:end]
