"""A file that is there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...errors import InputError

PART = ".part"
"""How what is not finished ends."""


def write_durable(path: Path, content: bytes) -> None:
    """Written beside it, brought to the disk, and only then given its name.

    Raises:
        InputError: the disk is full, or nothing may be written there; what was there stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InputError(
            f"cannot write '{path}': {error.strerror or error}; what was written before is whole, "
            "and the same call goes on from there"
        ) from error


def sync_folder(folder: Path) -> None:
    """Brings the names in it to the disk; Windows has no such step."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Takes away what killed runs left unfinished."""
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError):
            part.unlink()
