"""The formats: each makes files of all boxes of a run, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..record import to_json
from .found import Found, by_photo, names_of

Files = dict[str, bytes]


def coco(found: Sequence[Found], info: Mapping[str, Any]) -> Files:
    """`coco.json`: images, categories, annotations; `bbox` is left, top, width, height."""
    pages = list(enumerate(by_photo(found), start=1))
    images = [
        {"id": i, "file_name": of[0].photo, "height": of[0].size[0], "width": of[0].size[1]}
        for i, of in pages
    ]
    boxes = [(i, one) for i, of in pages for one in of]
    annotations = [
        {
            "id": number,
            "image_id": i,
            "category_id": one.number,
            "bbox": _extent(one),
            "area": one.area,
            "iscrowd": 0,
            **one.facts,
        }
        for number, (i, one) in enumerate(boxes, start=1)
    ]
    categories = [{"id": number, "name": name} for number, name in names_of(found).items()]
    whole = {"info": dict(info), "images": images, "categories": categories}
    return {"coco.json": to_json(whole | {"annotations": annotations})}


def yolo(found: Sequence[Found], info: Mapping[str, Any]) -> Files:
    """`labels/PHOTO.txt`, a line `class x y w h` a box, and `classes.yaml` with their names."""
    del info  # these files have no place for it
    files: Files = {}
    for of in by_photo(found):
        lines = "".join(f"{one.number} {_parts(one)}\n" for one in of)
        files[f"labels/{_stem(of[0].photo)}.txt"] = lines.encode()
    names = "".join(f"  {n}: {json.dumps(name)}\n" for n, name in names_of(found).items())
    return files | {"classes.yaml": f"names:\n{names}".encode()}


def voc(found: Sequence[Found], info: Mapping[str, Any]) -> Files:
    """`voc/PHOTO.xml`: whole pixels, counted from 1, of which xmax and ymax are the last ones."""
    del info
    return {f"voc/{_stem(of[0].photo)}.xml": _xml(of) for of in by_photo(found)}


FORMATS: dict[str, Callable[[Sequence[Found], Mapping[str, Any]], Files]] = {
    "coco": coco,
    "yolo": yolo,
    "voc": voc,
}


def _stem(photo: str) -> str:
    """'a.jpg' -> 'a'; the rows of 'a.npy' are 'a.npy[0]', 'a.npy[1]', ..."""
    return photo if photo.endswith("]") else Path(photo).stem


def _extent(one: Found) -> list[float]:
    left, top, right, bottom = one.corners
    return [left, top, right - left, bottom - top]


def _parts(one: Found) -> str:
    left, top, right, bottom = one.corners
    height, width = one.size
    x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
    numbers = (x, y, (right - left) / width, (bottom - top) / height)
    return " ".join(f"{v:.6f}" for v in numbers)


def _xml(of: Sequence[Found]) -> bytes:
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    root = Element("annotation")
    SubElement(root, "filename").text = of[0].photo
    size = SubElement(root, "size")
    for name, value in (("width", of[0].size[1]), ("height", of[0].size[0]), ("depth", 3)):
        SubElement(size, name).text = str(value)
    for one in of:
        thing = SubElement(root, "object")
        SubElement(thing, "name").text = one.name
        bounds = SubElement(thing, "bndbox")
        left, top, right, bottom = map(round, one.corners)
        low, last = (left + 1, top + 1), (max(right, left + 1), max(bottom, top + 1))
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), (*low, *last), strict=True):
            SubElement(bounds, name).text = str(value)
    indent(root)
    found: bytes = tostring(root, encoding="utf-8")
    return found + b"\n"
