"""Files that appear whole and together, or not at all.

Links are followed: what they lead to is written, and the link stays. A pipe or a device is written
as it is where it stands for one single file; nothing is ever put in its place.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from .backend import Array
from .errors import InputError
from .pipe import PATIENCE, pour

KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a disk"),
)
"""What is no regular file and no folder."""
STRAIGHT = ("a pipe", "a device")
"""What takes bytes one after the other."""
PIECE = 2**20
"""Bytes of a file that are held at a time."""


@dataclass(frozen=True)
class Place:
    """Where the content of a file goes."""

    path: Path
    """As it was asked for."""
    file: Path
    """The same without links."""
    straight: bool = False
    """Written as it is: a rename would put a file in its place."""

    @property
    def elsewhere(self) -> bool:
        """Does a link lead to another folder, where what lies beside it is not found?"""
        return self.file.parent.resolve() != self.path.parent.resolve()

    @property
    def part(self) -> Path:
        """What is written first, and renamed to `file` at the end."""
        if self.straight:
            return self.path
        return self.file.with_name(f".{self.file.name}.{os.getpid()}.part")


def find_place(path: str | Path, *, alone: bool = True) -> Place:
    """Where a file at `path` is to be written; `alone`: no other has to appear with it.

    Raises:
        InputError: a folder, a socket, a disk; a link that leads nowhere; among several files, a
            pipe or a device.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as error:  # a ring of links, a file in the way, a zero byte
        raise InputError(f"cannot write '{path}': {getattr(error, 'strerror', error)}") from error
    file = Path(os.path.realpath(path)) if path.is_symlink() else path
    said = f"'{path}'" if file == path else f"'{path}' (a link to '{file}')"
    if mode is None:
        if not file.parent.is_dir():
            raise InputError(f"cannot write {said}: the folder '{file.parent}' does not exist")
        return Place(path, file)
    if stat.S_ISDIR(mode):
        raise InputError(f"cannot write {said}: it is a folder; name the file to write")
    if stat.S_ISREG(mode):  # an open file that has no name any more (/dev/fd/3) is not replaced
        return Place(path, file, straight=not (file.exists() and file.samefile(path)))
    kind = next((kind for test, kind in KINDS if test(mode)), "no file")
    if kind not in STRAIGHT:
        raise InputError(f"cannot write {said}: it is {kind}; name a file")
    if not alone:
        raise InputError(
            f"cannot write {said}: it is {kind}, and several files belong together; "
            f"name another place"
        )
    return Place(path, path, straight=True)


@contextmanager
def replacing(paths: Sequence[str | Path]) -> Iterator[list[Path]]:
    """Where to write files, so that all of them appear at the end or, after an error, none.

    Raises:
        InputError: as `find_place` says, or two paths lead to the same file.
        OSError: it cannot be written.
    """
    places = [find_place(path, alone=len(paths) == 1) for path in paths]
    taken: set[str] = set()
    for place in places:
        real = os.path.realpath(place.file)
        if real in taken:
            raise InputError(f"cannot write two files to '{real}'; choose another name or folder")
        taken.add(real)
    renamed = [place for place in places if not place.straight]
    try:
        yield [place.part for place in places]
        for place in renamed:
            place.part.replace(place.file)
    finally:
        for place in renamed:
            with suppress(OSError):
                place.part.unlink()


def put(part: Path, content: bytes, patience: float = PATIENCE) -> None:
    """Writes what `replacing` gave a place for; a pipe must be read within `patience` seconds."""
    if part.is_fifo():
        pour(part, [content], patience)
    else:
        part.write_bytes(content)


def write_together(
    folder: str | Path, files: Mapping[str, bytes], *, patience: float = PATIENCE
) -> list[Path]:
    """Writes each file under a temporary name, then renames them all; returns the paths."""
    root = Path(folder)
    paths = [root / name for name in files]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with replacing(paths) as parts:
            for part, content in zip(parts, files.values(), strict=True):
                put(part, content, patience)
    except OSError as error:
        raise InputError(f"cannot write to '{root}': {error.strerror or error}") from error
    return paths


def move_together(files: Mapping[Path, Path], *, patience: float = PATIENCE) -> None:
    """Brings finished files (old path -> new path) to their places."""
    try:
        with replacing(list(files.values())) as parts:
            for (old, new), part in zip(files.items(), parts, strict=True):
                if part == new:  # a pipe or a device
                    _copy(old, part, patience)
                else:
                    shutil.move(old, part)
    except OSError as error:
        names = ", ".join(map(str, files.values()))
        raise InputError(f"cannot write {names}: {error.strerror or error}") from error


def _copy(old: Path, new: Path, patience: float) -> None:
    """The bytes of a file into a pipe or a device, piece by piece."""
    with old.open("rb") as content:
        if new.is_fifo():
            pour(new, iter(lambda: content.read(PIECE), b""), patience)
        else:
            with new.open("wb") as out:
                shutil.copyfileobj(content, out)


def npy(array: Array) -> bytes:
    """The bytes of an .npy file."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
