"""ImageNet's boxes as a .csv: a photo a line, and all its boxes in one field."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path, PurePosixPath

from ...errors import InputError
from .labelled import BoxesByPhoto, Labelled, Sizes, class_or_name, labelled, text_of, wanted

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")


def read_imagenet(path: Path, sizes: Sizes | None) -> BoxesByPhoto:
    """Lines `photo,class x0 y0 x1 y1 class x0 y0 x1 y1 ...`; a line of headings may come first.

    The photo is a path or an id without suffix; corners are edges in pixels; a class is a number,
    a name without spaces or a synset (n02099601).

    Raises:
        InputError: a line that is none of these.
    """
    found: BoxesByPhoto = {}
    for number, row in enumerate(csv.reader(StringIO(text_of(path))), start=1):
        if not any(field.strip() for field in row):
            continue
        where = f"boxes '{path}', line {number}"
        boxes = None if len(row) != 2 else _boxes(row[1], where)
        if boxes is None and number == 1 and not _holds_numbers(row):  # headings
            continue
        if boxes is None:
            raise InputError(f"{where}: write 'photo,class x0 y0 x1 y1', five words a box.")
        stem = _stem(row[0])
        if wanted(stem, sizes):
            found.setdefault(stem, []).extend(boxes)
    return found


def _boxes(text: str, where: str) -> list[Labelled] | None:
    """None where it holds something else."""
    words = text.split()
    if len(words) % 5:
        return None
    groups = [words[i : i + 5] for i in range(0, len(words), 5)]
    try:
        found = [(word, tuple(map(float, numbers))) for word, *numbers in groups]
    except ValueError:
        return None
    return [labelled(class_or_name(word), corners, where) for word, corners in found]


def _holds_numbers(row: list[str]) -> bool:
    return any(word.replace(".", "").isdecimal() for word in " ".join(row[1:]).split())


def _stem(text: str) -> str:
    """An id may hold dots, so only the suffix of a picture is taken off."""
    name = PurePosixPath(text.strip().replace("\\", "/"))
    return name.stem if name.suffix.lower() in SUFFIXES else name.name
