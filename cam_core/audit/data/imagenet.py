"""ImageNet's boxes as a .csv: a photo a line, whose label is the class of its boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...errors import InputError
from ...image.read import PICTURES
from ...sources.boxes import Labelled
from ...sources.boxes.imagenet import read_imagenet
from .far import Place
from .item import Item, Size, Thing

SUFFIXES = (".JPEG", *sorted(PICTURES))
"""That of ImageNet's own files first."""


def is_imagenet(path: Path) -> bool:
    """Is it a .csv? A table with a heading for paths is asked for before."""
    return path.is_file() and path.suffix.lower() == ".csv"


def of_imagenet(path: Path, photos: Place | None) -> Iterator[Item]:
    """The photos in the order of the lines; the boxes are held whole.

    Raises:
        InputError: a line that cannot be read, or a photo that is not there.
    """
    root = path.parent if photos is None else photos
    for name, boxes in read_imagenet(path, None).items():
        labels = {box.label for box in boxes}
        file = _file(root, name)
        label = labels.pop() if len(labels) == 1 else None
        yield Item(file.name, file, label, partial(_things, boxes))


def _file(root: Place, name: str) -> Place:
    found = next((p for suffix in SUFFIXES if (p := root / f"{name}{suffix}").is_file()), None)
    if found is None:
        raise InputError(f"no photo '{name}' in '{root}'. Say where they are with --photos DIR.")
    return found


def _things(boxes: Sequence[Labelled], size: Size) -> list[Thing]:
    return [Thing(box) for box in boxes]
