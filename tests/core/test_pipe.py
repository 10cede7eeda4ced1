"""Pipes that nobody opens, that nobody reads, and that are read piece by piece.

Patience is counted here, or 0: no test waits for seconds to pass.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.pipe import Wait, held, offer, pour
from cam_core.write import move_together, write_together

if not hasattr(os, "mkfifo"):
    pytest.skip("a system without pipes in folders", allow_module_level=True)

CONTENT = bytes(range(251)) * 4000
"""A megabyte, many times what a pipe holds, with a period that no buffer has."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def write(path: Path) -> None:
    write_together(path.parent, {path.name: CONTENT}, patience=0)


def move(path: Path) -> None:
    made = path.with_name("made")
    made.write_bytes(CONTENT)
    move_together({made: path}, patience=0)


@pytest.mark.parametrize("door", [write, move])
@pytest.mark.parametrize("opened", [False, True], ids=["not opened", "opened, not read"])
def test_a_pipe_that_nobody_reads_is_given_up(
    door: Callable[[Path], None], opened: bool, path: Path
) -> None:
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if opened else None
    with pytest.raises(InputError, match=r"'.*pipe': it is a pipe that nobody read for 0 s; start"):
        door(path)
    assert path.is_fifo()
    if reader is not None:
        os.close(reader)


def test_a_pipe_that_is_read_in_small_pieces_gets_every_byte(path: Path) -> None:
    found = bytearray()

    def read() -> None:
        with path.open("rb", buffering=0) as pipe:
            while piece := pipe.read(1000):
                found.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    pour(path, [CONTENT[:100], b"", CONTENT[100:]])
    reader.join()
    assert bytes(found) == CONTENT


def test_a_reader_that_goes_away_is_said(path: Path) -> None:
    def read() -> None:
        with path.open("rb", buffering=0) as pipe:
            pipe.read(1000)

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.raises(InputError, match="Broken pipe"):
        write_together(path.parent, {path.name: CONTENT})
    reader.join()


def test_every_byte_that_is_taken_renews_the_patience() -> None:
    """Seen at these seconds, with so many bytes taken."""
    wait = Wait(30, 0)
    seen = [(29, 0), (29, 1), (58, 1), (58.5, 2), (88, 2), (88.5, 2)]
    assert [wait.over(taken, now) for now, taken in seen] == [False] * 5 + [True]


def test_bytes_taken_one_by_one_count(path: Path) -> None:
    """A full pipe takes nothing new until a whole page of it is read."""
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    put = offer(writer, memoryview(CONTENT))
    os.read(reader, 1)
    assert offer(writer, memoryview(CONTENT)) == 0
    assert held(writer) == put - 1
    os.close(reader)
    os.close(writer)
