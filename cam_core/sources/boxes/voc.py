"""Pascal VOC's labels: an .xml a photo (also those of ImageNet)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...foreign import UNREADABLE
from .labelled import BoxesByPhoto, Labelled, Sizes, labelled, same_size, text_of, wanted

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read_voc(files: Iterable[Path], sizes: Sizes | None) -> BoxesByPhoto:
    """The boxes by the name of the .xml.

    VOC counts pixels from 1 and names the last one of a box (VOC2012 development kit, section
    'Annotations'): xmin..xmax covers the edges xmin - 1 to xmax. A file that begins at 0 is cut.

    Raises:
        InputError: no such .xml, or a photo has another size than was labelled.
    """
    from xml.etree.ElementTree import ParseError, fromstring

    found: BoxesByPhoto = {}
    for file in files:
        if not wanted(file.stem, sizes):
            continue
        where = f"boxes '{file}'"
        try:
            root = fromstring(text_of(file))
            stated = _size(root)
            boxes = [_box(thing, where) for thing in root.iter("object")]
        except (ParseError, *UNREADABLE) as error:
            raise InputError(
                f"{where}: not Pascal VOC's xml with object, name and bndbox ({error})."
            ) from error
        if root.tag != "annotation":
            raise InputError(f"{where}: <{root.tag}> is no annotation of Pascal VOC.")
        same_size(file.stem, sizes, stated, where)
        found.setdefault(file.stem, []).extend(boxes)
    return found


def _size(root: Element) -> tuple[int, int] | None:
    size = root.find("size")
    return None if size is None else (int(_text(size, "height")), int(_text(size, "width")))


def _box(thing: Element, where: str) -> Labelled:
    bounds = thing.find("bndbox")
    if bounds is None:
        raise ValueError("an object without bndbox")
    x0, y0, x1, y1 = (float(_text(bounds, name)) for name in ("xmin", "ymin", "xmax", "ymax"))
    return labelled(_text(thing, "name"), (max(x0 - 1, 0), max(y0 - 1, 0), x1, y1), where)


def _text(element: Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(f"<{element.tag}> without {name}")
    return found.strip()
