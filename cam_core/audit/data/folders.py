"""Folders of photos, one after another in name order; of one folder at a time names are held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import InputError, UnreachableError
from ...image.read import PICTURES
from .far import Far, Place
from .item import Item


def of_folder(folder: Place) -> Iterator[Item]:
    """The photos that lie in it, and no deeper."""
    for path in pictures(listed(folder)):
        yield Item(path.name, path)


def of_classes(folder: Place) -> Iterator[Item]:
    """The photos of the folders in it, each of them a class, and of the folders in those."""
    for each in folders(listed(folder)):
        for path in below(each):
            yield Item(way(path, folder), path, each.name)


def below(folder: Place) -> Iterator[Place]:
    """The pictures of a folder, then those of the folders in it; each is listed once."""
    held = listed(folder)
    inner = folders(held)
    yield from pictures(held)
    del held
    for each in inner:
        yield from below(each)


def pictures(held: Sequence[Place]) -> list[Place]:
    """Of what a folder has the pictures."""
    return [p for p in held if p.suffix.lower() in PICTURES and p.is_file()]


def folders(held: Sequence[Place]) -> list[Place]:
    """Of what a folder has the folders; hidden ones are left out."""
    return [p for p in held if not p.name.startswith(".") and p.is_dir()]


def way(path: Place, folder: Place) -> str:
    """The way down from a folder, with slashes."""
    if isinstance(path, Far):
        assert isinstance(folder, Far)
        return path.relative_to(folder).as_posix()
    assert not isinstance(folder, Far)
    return path.relative_to(folder).as_posix()


def listed(folder: Place) -> list[Place]:
    """All that is in it, in name order.

    Raises:
        InputError: it cannot be read.
        UnreachableError: its file system does not answer.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        said = error.strerror or next(iter(str(error).splitlines()), "")
        kind = UnreachableError if isinstance(folder, Far) else InputError
        raise kind(f"folder '{folder}': {said}. Check the path.") from error
