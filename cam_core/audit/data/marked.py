"""Boxes that lie elsewhere: photos of a folder with the labels of another file or folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...sources.boxes import Labelled, format_of, read_boxes
from ...sources.boxes.yolo import names_near, read_yolo
from .far import FILES
from .item import Item, Size, Thing


def with_boxes(items: Iterable[Item], boxes: Path) -> Iterator[Item]:
    """The same photos with the boxes of their name, in any format that `read_boxes` reads.

    Raises:
        InputError: as `read_boxes`.
    """
    of = _by_file(boxes) if format_of(boxes) == "yolo" else _whole(boxes)
    for item in items:
        if isinstance(item.source, FILES):
            yield replace(item, things=partial(of, item.source.stem))
        else:
            yield item


def _whole(boxes: Path) -> Callable[[str, Size], list[Thing]]:
    """Those of all photos, read at once."""
    known: Mapping[str, Sequence[Labelled]] = read_boxes(boxes)
    return lambda stem, size: [Thing(box) for box in known.get(stem, ())]


def _by_file(boxes: Path) -> Callable[[str, Size], list[Thing]]:
    """YOLO's, which wait for the size of their photo."""
    folder = boxes if boxes.is_dir() else boxes.parent
    names = names_near(boxes)
    files = {file.stem: file for file in sorted(folder.rglob("*.txt"))}

    def things(stem: str, size: Size) -> list[Thing]:
        if stem not in files:
            return []
        found = read_yolo(boxes, [files[stem]], {stem: size}, names)
        return [Thing(box) for box in found.get(stem, ())]

    return things
