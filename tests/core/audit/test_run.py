"""Rows are neither lost nor repeated, whatever happens to the process, the disk or a photo."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from cam_core.audit import open_table
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.tiny import photos, tiny_plan
from tests.paths import ROOT

COUNT = 100
KILLS = 100 if os.environ.get("SWEEP") == "all" else 20
POSIX = pytest.mark.skipif(os.name == "nt", reason="processes are forked and killed by a signal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos"), COUNT, broken=[1, 40, 41])


@pytest.fixture(scope="module")
def expected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rows of a run that nothing happens to."""
    out = tmp_path_factory.mktemp("whole") / "report"
    run(tiny_plan(folder), out)
    return rows(out)


def rows(out: Path) -> list[dict[str, Any]]:
    table = open_table(out)
    return list(table.parts.rows(list(table.columns)))


def test_each_photo_is_a_row(expected: list[dict[str, Any]]) -> None:
    names = [row["photo"] for row in expected]
    assert len(names) == len(set(names)) == COUNT
    assert [row["index"] for row in expected] == list(range(COUNT))
    assert names == sorted(names)


def test_a_broken_photo_is_a_row_with_its_error(expected: list[dict[str, Any]]) -> None:
    broken = {row["photo"]: row for row in expected if row["error"] is not None}
    assert set(broken) == {"bee/001.png", "bee/040.png", "cat/041.png"}
    for row in broken.values():
        assert "not a picture that can be read" in row["error"]
        assert row["answer"] is row["spearman"] is row["brightness"] is None
        assert row["label"] in ("bee", "cat")


@contextmanager
def served(folder: Path, out: Path, seconds: float) -> Iterator[Any]:
    """A process that starts a run for each line that it is written."""
    call = [sys.executable, "-m", "tests.core.audit.tiny", str(folder), str(out), str(seconds)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(call, cwd=ROOT, **pipes) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def start(process: Any) -> int:
    process.stdin.write("go\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def ended(process: Any) -> int:
    return int(process.stdout.readline())


@POSIX
def test_killed_at_random_moments_it_goes_on(
    folder: Path, expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    """A photo takes 10 ms or more, so that the longest moment is less than half of a run."""
    draw, before, killed, attempt = random.Random(7), 0, 0, 0
    out = tmp_path / "out"
    with served(folder, out, 0.01) as process:
        while killed < KILLS:
            child, attempt = start(process), attempt + 1
            time.sleep(draw.uniform(0, 0.4) if attempt % 4 else draw.uniform(0, 0.03))
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(child, signal.SIGKILL)
            killed += ended(process) == -signal.SIGKILL
            if (out / "manifest.json").exists() and list((out / "rows").glob("rows-*")):
                found = rows(out)
                assert found == expected[: len(found)]
                assert len(found) >= before
                before = len(found)
            if before == COUNT:  # all is done: from the beginning
                shutil.rmtree(out)
                before = 0
        start(process)
        assert ended(process) == 0
    assert rows(out) == expected
    assert not list((out / "rows").glob(".*"))  # nothing unfinished is left


@POSIX
def test_a_second_audit_of_one_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(folder, out, 0.5) as process:
        child = start(process)
        while not (out / "manifest.json").exists():
            time.sleep(0.01)
        with pytest.raises(InputError, match=f"another audit \\(process {child}\\) writes there"):
            run(tiny_plan(folder), out)
        os.kill(child, signal.SIGKILL)
        ended(process)
    run(tiny_plan(folder, sample=4), tmp_path / "other")
    run(replace(tiny_plan(folder), total=COUNT), out)  # the lock went with its process
    assert len(rows(out)) == COUNT


@pytest.mark.parametrize("failing", [0, 4, 9])
def test_a_full_disk_is_a_line_and_what_was_written_stays(
    failing: int,
    folder: Path,
    expected: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is full when something is brought to it, and half of that is there."""
    calls = iter(range(10**6))
    honest = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == failing:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            raise OSError(errno.ENOSPC, "No space left on device")
        honest(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=r"cannot write '.*': No space left on device; what"):
            run(tiny_plan(folder), tmp_path)
    files = list((tmp_path / "rows").glob("rows-*.parquet")) if failing else []
    kept = rows(tmp_path) if files else []
    assert kept == expected[: len(kept)]
    assert not list(tmp_path.rglob("*.part"))
    run(tiny_plan(folder), tmp_path)
    assert rows(tmp_path) == expected


def test_what_is_done_is_not_done_again(
    folder: Path, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    assert run(tiny_plan(folder), tmp_path).made == COUNT
    opened: list[str] = []
    plan = tiny_plan(folder)

    def opener(item: Any, index: int) -> Any:
        opened.append(item.id)
        return plan.opener(item, index)

    done = run(replace(plan, opener=opener), tmp_path)
    assert (done.kept, done.made, opened) == (COUNT, 0, [])


def test_a_folder_that_cannot_be_written_is_a_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot write to '.*': Not a directory"):
        run(tiny_plan(folder, sample=2), tmp_path / "file" / "report")


def test_other_settings_are_refused(folder: Path, tmp_path: Path) -> None:
    run(tiny_plan(folder, sample=4), tmp_path)
    for other, said in (
        (tiny_plan(folder, sample=4, target="bee"), 'target is null there and "bee" here'),
        (tiny_plan(folder, sample=4, seed=1), "seed is 0 there and 1 here"),
        (tiny_plan(folder, sample=4, settings={"models": [{"a": "12"}]}), "models is null there"),
        (tiny_plan(folder, sample=4, referenced=False), "run is"),
        (
            tiny_plan(folder, sample=4, metrics=["entropy"]),
            'metrics is null there and \\["map_entropy',
        ),
    ):
        with pytest.raises(InputError, match=f"report of other settings: {said}"):
            run(other, tmp_path)


def test_other_photos_are_refused(tmp_path: Path) -> None:
    mine = photos(tmp_path / "mine", 8)
    plan = tiny_plan(mine)
    with pytest.raises(InputError, match="the data had 8 photos and now has 7"):
        run(replace(plan, data=list(plan.data)[:7]), tmp_path / "out")
    (mine / "ant" / "000.png").rename(mine / "ant" / "001.png")
    with pytest.raises(InputError, match=r"'ant/000.png' stood where 'ant/001.png' is"):
        run(tiny_plan(mine), tmp_path / "out")


def test_a_photo_that_the_model_refuses_is_one_row_alone(tmp_path: Path) -> None:
    """Photos are looked at by twos; NaN in one of them is no matter of the other."""
    plan = tiny_plan(photos(tmp_path / "mine", 6), bounds=0)

    def opener(item: Any, index: int) -> Any:
        found = plan.opener(item, index)
        if index != 2:
            return found
        x = np.full_like(found.photo.a, np.nan)
        return replace(found, photo=replace(found.photo, a=x, b=x))

    run(replace(plan, opener=opener), tmp_path / "out")
    errors = [row["error"] for row in rows(tmp_path / "out")]
    assert [error is not None for error in errors] == [False, False, True, False, False, False]
    assert "holds NaN or inf" in errors[2]


def test_one_model_alone_has_no_columns_of_two(folder: Path, tmp_path: Path) -> None:
    run(tiny_plan(folder, referenced=False, sample=4), tmp_path)
    table = open_table(tmp_path)
    assert not table.referenced
    assert "spearman" not in table.columns
    assert all(row["answer"] is not None for row in rows(tmp_path))
