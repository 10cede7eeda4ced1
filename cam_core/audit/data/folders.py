"""Folders of photos, one after another in name order; of one folder at a time names are held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ...image.read import PICTURES
from .item import Item


def of_folder(folder: Path) -> Iterator[Item]:
    """The photos that lie in it, and no deeper."""
    for path in pictures(folder):
        yield Item(path.name, path)


def of_classes(folder: Path) -> Iterator[Item]:
    """The photos of the folders in it, each of them a class, and of the folders in those."""
    for each in folders(folder):
        for path in below(each):
            yield Item(path.relative_to(folder).as_posix(), path, each.name)


def below(folder: Path) -> Iterator[Path]:
    """The pictures of a folder, then those of the folders in it."""
    yield from pictures(folder)
    for each in folders(folder):
        yield from below(each)


def pictures(folder: Path) -> list[Path]:
    """The pictures of one folder in name order."""
    return [p for p in listed(folder) if p.suffix.lower() in PICTURES and p.is_file()]


def folders(folder: Path) -> list[Path]:
    """The folders in a folder in name order; hidden ones are left out."""
    return [p for p in listed(folder) if not p.name.startswith(".") and p.is_dir()]


def listed(folder: Path) -> list[Path]:
    """All that is in it.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"folder '{folder}': {error.strerror}. Check the path.") from error
