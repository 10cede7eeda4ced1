"""Bytes into a pipe, for as long as somebody takes them."""

from __future__ import annotations

import errno
import os
import selectors
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError

PATIENCE = 30.0
"""Seconds without a byte being taken after which nobody reads."""
STEP = 0.1
"""Seconds between two looks at whether somebody does."""


class Wait:
    """How long nothing happens."""

    def __init__(self, patience: float, now: float) -> None:
        self.patience, self.since, self.taken = patience, now, 0

    def over(self, taken: int, now: float) -> bool:
        """Is patience at an end? `taken`: the bytes that were read so far."""
        if taken > self.taken:
            self.taken, self.since = taken, now
        return now - self.since >= self.patience


def pour(path: Path, chunks: Iterable[bytes], patience: float = PATIENCE) -> None:
    """Write all of it to a named pipe, as fast as it is read.

    Raises:
        InputError: for `patience` seconds nobody opened it, or took a byte.
        OSError: its reader went away, or it cannot be opened.
    """
    with _opened(path, patience) as pipe, selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_WRITE)
        wait, written = Wait(patience, time.monotonic()), 0
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                count = offer(pipe, left)
                left, written = left[count:], written + count
                if not count:  # a pipe that is full may still be read byte by byte
                    if wait.over(written - held(pipe), time.monotonic()):
                        raise InputError(_unread(path, patience))
                    ready.select(STEP)


@contextmanager
def _opened(path: Path, patience: float) -> Iterator[int]:
    """The pipe, once it has a reader; opened the usual way it would wait for one for ever."""
    wait = Wait(patience, time.monotonic())
    while (pipe := _open(path)) is None:
        if wait.over(0, time.monotonic()):
            raise InputError(_unread(path, patience))
        time.sleep(STEP)
    try:
        yield pipe
    finally:
        os.close(pipe)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:  # "no reader"
            raise
        return None


def offer(pipe: int, content: memoryview) -> int:
    """Write what there is room for; returns how much that was."""
    try:
        return os.write(pipe, content)
    except BlockingIOError:
        return 0


def held(pipe: int) -> int:
    """The bytes that wait in it."""
    import fcntl
    import struct
    import termios

    try:
        return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])
    except OSError:  # not every system counts them
        return 0


def _unread(path: Path, patience: float) -> str:
    return (
        f"cannot write '{path}': it is a pipe that nobody read for {patience:g} s; "
        f"start its reader, or name a file"
    )
