"""One audit a folder: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import InputError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder is ours; it is made where it is not there.

    Raises:
        InputError: another audit writes there, or nothing may be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+b")
    except OSError as error:
        raise InputError(
            f"cannot write to '{folder}': {error.strerror or error}. Give another folder with -o."
        ) from error
    with file:
        if not _taken(file):
            raise InputError(
                f"'{folder}': another audit{_holder(file)} writes there. Wait for it, or give "
                "another folder with -o."
            )
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def _taken(file: IO[bytes]) -> bool:
    """Is the lock ours now? It is not waited for."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(file: IO[bytes]) -> str:
    """Its number, where it has written it yet."""
    try:
        file.seek(0)
        number = file.read(20).decode("ascii", "replace")
    except OSError:  # Windows locks the byte itself
        return ""
    return f" (process {number})" if number.isdecimal() else ""
