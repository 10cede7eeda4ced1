"""COCO's annotations as photos with boxes and masks; the .json is held whole, as it is one value.

`instances_val2017.json` is looked for with its photos in the folder it is in, in one of the name
`val2017` or `images` there, and in those of the folder above.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...backend import Array
from ...errors import InputError
from ...foreign import UNREADABLE, from_json
from ...sources.boxes.labelled import Labelled, labelled, same_size, text_of
from .far import Place
from .item import Item, Label, Size, Thing

Record = Mapping[str, Any]


def is_coco(path: Path) -> bool:
    """Is it a .json?"""
    return path.is_file() and path.suffix.lower() == ".json"


def of_coco(path: Path, photos: Place | None) -> Iterator[Item]:
    """The photos in the order of the file.

    Raises:
        InputError: it is no such file, or its photos are nowhere near.
    """
    try:
        content = from_json(text_of(path))
        images = list(content["images"])
        names = {one["id"]: str(one["name"]) for one in content.get("categories", ())}
        marked: dict[Any, list[Record]] = {image["id"]: [] for image in images}
        for one in content["annotations"]:
            if not one.get("iscrowd"):  # crowds are no boxes of one object
                marked[one["image_id"]].append(one)
        files = [str(image["file_name"]) for image in images]
    except UNREADABLE as error:
        raise InputError(
            f"'{path}': not COCO's json with images, annotations and their image_id "
            f"({type(error).__name__}: {error})."
        ) from error
    root = _photos_near(path, files[0]) if photos is None and files else photos
    for image, file in zip(images, files, strict=True):
        things = partial(_things, path, image, marked[image["id"]], names)
        yield Item(file, (root or path.parent) / file, None, things)


def _photos_near(path: Path, first: str) -> Path:
    name = path.stem.rpartition("_")[2]
    near = [
        place / sub
        for place in (path.parent, path.parent.parent)
        for sub in ("", name, "images", f"images/{name}")
    ]
    found = next((place for place in near if (place / first).is_file()), None)
    if found is None:
        raise InputError(
            f"'{path}': its photo '{first}' is not near it. Say where they are with --photos DIR."
        )
    return found


def _things(
    path: Path, image: Record, annotations: Sequence[Record], names: Mapping[Any, str], size: Size
) -> list[Thing]:
    stated = int(image.get("height", 0)), int(image.get("width", 0))
    stem = Path(str(image["file_name"])).stem
    same_size(stem, {stem: size}, stated, f"'{path}'")
    return [_thing(one, names, size, path) for one in annotations]


def _thing(one: Record, names: Mapping[Any, str], size: Size, path: Path) -> Thing:
    where = f"'{path}', annotation {one.get('id', '?')}"
    try:
        x, y, w, h = (float(v) for v in one["bbox"])
        number = one["category_id"]
        label: Label = names.get(number, int(number))
    except UNREADABLE as error:
        raise InputError(f"{where}: no bbox and category_id ({error}). Mend it.") from error
    box: Labelled = labelled(label, (x, y, x + w, y + h), where)
    drawn = one.get("segmentation")
    return Thing(box, partial(mask_of, drawn, size, where) if drawn else None)


def mask_of(drawn: Any, size: Size, where: str) -> Array:
    """The pixels of a `segmentation`, bool [H, W]: polygons, or run lengths, packed or not.

    Raises:
        InputError: it is none of these, or of another size.
    """
    from ...image.rle import mask_of as of_runs

    try:
        if isinstance(drawn, Mapping):
            counts = drawn["counts"]
            counts = unpacked(counts) if isinstance(counts, str) else counts
            found = of_runs({"size": drawn["size"], "counts": counts})
        else:
            found = filled(drawn, size)
    except UNREADABLE as error:
        raise InputError(f"{where}: its segmentation cannot be read ({error}).") from error
    if found.shape != tuple(size):
        raise InputError(f"{where}: its mask is {found.shape}, the photo {tuple(size)}.")
    return found


def filled(polygons: Sequence[Sequence[float]], size: Size) -> Array:
    """The pixels whose centre lies in any of the polygons [x, y, x, y, ...], bool [H, W].

    Inside is where a ray to the left crosses the outline an odd number of times.
    """
    found = np.zeros(size, bool)
    y, x = (np.arange(n) + 0.5 for n in size)
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        inside = np.zeros(size, bool)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            rows = (min(y0, y1) <= y) & (y < max(y0, y1))
            if rows.any():
                crossed = x0 + (y[rows] - y0) * (x1 - x0) / (y1 - y0)
                inside[rows] ^= x > crossed[:, None]
        found |= inside
    return found


def unpacked(text: str) -> list[int]:
    """Run lengths out of COCO's letters: 5 bits each with a sign, from the third on differences.

    (COCO's API, `maskApi.c`, `rleFrString`.)
    """
    counts: list[int] = []
    number, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number, shift = 0, 0
    return counts
