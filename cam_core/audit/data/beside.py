"""Photos whose labels are a file each, YOLO's or VOC's: read with the photo, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...errors import InputError
from ...sources.boxes.voc import read_voc
from ...sources.boxes.yolo import names_near, read_yolo
from .far import Place
from .folders import below, way
from .item import Item, Size, Thing
from .voc_masks import with_masks

IMAGES, LABELS = "images", "labels"
"""The folders of YOLO, side by side."""
PHOTOS, ANNOTATIONS = "JPEGImages", "Annotations"
"""Those of Pascal VOC."""


def is_yolo(path: Path) -> bool:
    """A folder `images` with `labels` beside it, what holds both, or the .yaml in that."""
    return _yolo_root(path) is not None


def of_yolo(path: Path, photos: Place | None) -> Iterator[Item]:
    """The photos below `images`; the labels of images/a/b.jpg are in labels/a/b.txt.

    Raises:
        InputError: a name of a class that cannot be read.
    """
    root = _yolo_root(path)
    if root is None:
        raise InputError(f"'{path}': no folder '{IMAGES}' with '{LABELS}' beside it.")
    names = names_near(path if path.is_file() else root) or names_near(root / LABELS)
    own = path if path.is_dir() and path != root else root / IMAGES
    start: Place = own if photos is None else photos
    labels = root / LABELS / (_inner(own, root / IMAGES) if photos is None else "")
    for photo in below(start):
        named = way(photo, start)
        file = (labels / named).with_suffix(".txt")
        yield Item(named, photo, None, partial(_yolo, file, names))


def is_voc(path: Path) -> bool:
    """A folder with JPEGImages and Annotations, or one of these two."""
    return _voc_root(path) is not None


def of_voc(path: Path, photos: Place | None) -> Iterator[Item]:
    """The photos of JPEGImages; what is in a.jpg is said by Annotations/a.xml, and by the masks."""
    root = _voc_root(path)
    if root is None:
        raise InputError(f"'{path}': no folders '{PHOTOS}' and '{ANNOTATIONS}' in it.")
    start: Place = root / PHOTOS if photos is None else photos
    for photo in below(start):
        yield Item(way(photo, start), photo, None, partial(_voc, root, photo.stem))


def _yolo_root(path: Path) -> Path | None:
    """What holds `images` and `labels`."""
    if path.is_file():
        path = path.parent if path.suffix in (".yaml", ".yml") else path
    for root in (path, *path.resolve().parents[:3]):
        inner = root == path or IMAGES in path.resolve().relative_to(root).parts[:1]
        if inner and all((root / name).is_dir() for name in (IMAGES, LABELS)):
            return root if root == path else _above(path, root)
    return None


def _inner(folder: Path, above: Path) -> Path:
    """The way down to a folder."""
    return folder.resolve().relative_to(above.resolve())


def _above(path: Path, root: Path) -> Path:
    """The same folder as it was named: by steps up from the path."""
    steps = len(path.resolve().relative_to(root).parts)
    return path.joinpath(*[".."] * steps)


def _voc_root(path: Path) -> Path | None:
    for root in (path, path.parent):
        named = root == path or path.name in (PHOTOS, ANNOTATIONS)
        if named and all((root / name).is_dir() for name in (PHOTOS, ANNOTATIONS)):
            return root
    return None


def _yolo(file: Path, names: Sequence[str], size: Size) -> list[Thing]:
    if not file.is_file():
        return []
    found = read_yolo(file, [file], {file.stem: size}, names)
    return [Thing(box) for box in found.get(file.stem, ())]


def _voc(root: Path, stem: str, size: Size) -> list[Thing]:
    file = root / ANNOTATIONS / f"{stem}.xml"
    found = read_voc([file], {stem: size}) if file.is_file() else {}
    return with_masks(root, stem, found.get(stem, ()), size)
