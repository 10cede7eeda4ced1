"""What is written, and where."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from cam_core.errors import InputError, ModelError
from cam_core.report import to_json
from cam_core.write import write_together

if TYPE_CHECKING:
    from .inputs.samples import Slot

READ = "a model that is read"
NONE: Mapping[str, Sequence[Path | str]] = MappingProxyType({})


def check_stems(slots: Sequence[Slot]) -> None:
    """Refuse samples whose files would overwrite one another."""
    stems: dict[str, Path] = {}
    for slot in slots:
        key = slot.stem.casefold()  # some file systems do not tell a.png from A.png
        if key in stems:
            raise InputError(
                f"images '{stems[key]}' and '{slot.path}' would write the same files "
                f"({slot.stem}.*). Rename one, or run them one by one with another -o."
            )
        stems[key] = slot.path


def check_directory(directory: Path) -> None:
    """Refuse a folder that can be neither used nor made, before any work is done."""
    nearest = directory
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(
            f"output folder '{directory}': '{nearest}' is a file. Give another folder with -o."
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(
            f"output folder '{directory}': no permission to write in '{nearest}'. "
            "Give another folder with -o."
        )


def check_file(
    path: Path | None, named: str = "-o", others: Mapping[str, Sequence[Path | str]] = NONE
) -> None:
    """Refuse a file that cannot be written, before any work is done; None is none.

    Args:
        path: where it goes.
        named: the option that names it.
        others: files that are not to be written over, by what they are.
    """
    if path is None or path.is_fifo() or path.is_char_device():
        return
    if path.is_dir():
        raise InputError(f"{named} '{path}': a folder. Name the file to write.")
    for what, files in others.items():
        if any(same(path, Path(one)) for one in files):
            raise InputError(f"{named} '{path}' is {what}. Name another file.")
    nearest = Path(os.path.realpath(path)).parent
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(f"{named} '{path}': '{nearest}' is a file. Name another place.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{named} '{path}': no permission to write in '{nearest}'.")


def same(path: Path, other: Path) -> bool:
    """Are they one file, or will they be?"""
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


def print_json(record: Mapping[str, Any]) -> None:
    """The record on the standard output."""
    click.echo(to_json(record).decode(), nl=False)


def write_json(path: Path | None, record: Mapping[str, Any]) -> None:
    """The record in a file, where one is asked for; whole or not at all."""
    if path is not None:
        if path.is_dir():
            raise InputError(f"-o '{path}': a folder. Name the file to write.")
        write_together(path.parent, {path.name: to_json(record)})


def sha256(path: str) -> str | None:
    """Of a model that is one file."""
    if not Path(path).is_file():
        return None
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"model '{path}': {error.strerror}. Check the path.") from error
