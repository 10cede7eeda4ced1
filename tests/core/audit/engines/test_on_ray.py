"""Actors of Ray make the rows that one process makes, also where some of them are killed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from cam_core.audit.engines.on_ray import OnRay, Tries, regrouped
from cam_core.audit.plan import Plan
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.engines.fatal import METRICS, Tiny, rows
from tests.core.audit.tiny import photos, tiny_plan

COUNT = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(photos(tmp_path_factory.mktemp("photos"), COUNT, broken=[4]))


@pytest.fixture(scope="module")
def alone(folder: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("alone")
    run(tiny_plan(folder, metrics=METRICS), out)
    return rows(out)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Two processes of this machine."""
    module = pytest.importorskip("ray", reason="Ray is not installed: its step of .ci/run runs it")
    from cam_core.audit.engines.on_ray import started

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, of what it will do in later versions
        with started(2):
            yield module


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_killed_actor_costs_no_row(
    ray: Any, folder: str, alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    once, done = tmp_path / "once", []
    engine = OnRay(Tiny(folder, 11, once), 2)
    run(tiny_plan(folder, metrics=METRICS), tmp_path / "many", engine=engine, step=done.append)
    assert int(once.read_text()) != os.getpid()  # it was killed there
    assert rows(tmp_path / "many") == alone
    assert done == sorted(done)
    assert done[-1] == COUNT


@pytest.mark.filterwarnings("ignore")
def test_a_photo_that_kills_each_time_is_told_and_the_rest_is_kept(
    ray: Any, folder: str, alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="actors ended again and again under photos 9 to 11"):
        run(tiny_plan(folder, metrics=METRICS), tmp_path, engine=OnRay(Tiny(folder, 11), 1))
    kept = rows(tmp_path)
    assert kept == alone[: len(kept)]
    assert len(kept) in (3, 6, 9)  # files of three; of what is under way the last ones are lost
    run(tiny_plan(folder, metrics=METRICS), tmp_path, engine=OnRay(Tiny(folder), 1))
    assert rows(tmp_path) == alone


@dataclass(frozen=True)
class Absent:
    """A machine that has no such model."""

    def __call__(self) -> Plan:
        raise InputError("model 'a.onnx': no such file here")


@pytest.mark.filterwarnings("ignore")
def test_what_an_actor_is_in_want_of_is_told(ray: Any, folder: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model 'a\.onnx': no such file here"):
        run(tiny_plan(folder, metrics=METRICS), tmp_path, engine=OnRay(Absent(), 1))


def test_each_part_is_counted_alone() -> None:
    tries = Tries()
    assert [tries.begun(start) for start in (0, 3, 0, 0, 3)] == [1, 1, 2, 3, 2]


class Block:
    """What a table of Arrow does here."""

    def __init__(self, *indices: int) -> None:
        self.rows = [{"index": index} for index in indices]

    def to_pylist(self) -> list[dict[str, int]]:
        return self.rows


@pytest.mark.parametrize(
    "blocks",
    [[(0, 1, 2), (3, 4)], [(0,), (1, 2, 3), (4,)], [(0, 1, 2, 3, 4)], [(0, 1, 2, 3), (4,)]],
)
def test_rows_are_brought_back_into_parts(blocks: list[tuple[int, ...]]) -> None:
    found = regrouped([Block(*block) for block in blocks], [(0, 3), (3, 5)])
    assert [[row["index"] for row in part] for part in found] == [[0, 1, 2], [3, 4]]
