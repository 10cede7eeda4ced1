"""COCO's labels: one .json with images, categories and annotations (cocodataset.org, 'Data')."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import InputError
from ...foreign import UNREADABLE, from_json
from .labelled import BoxesByPhoto, Labelled, Sizes, labelled, same_size, text_of, wanted


def read_coco(path: Path, sizes: Sizes | None) -> BoxesByPhoto:
    """The boxes by photo; `bbox` is left, top, width, height. Crowds are no boxes of one object.

    Raises:
        InputError: it is no such file, or a photo has another size than was labelled.
    """
    text = text_of(path)
    try:
        content = from_json(text)
        images = {image["id"]: image for image in content["images"]}
        names = {one["id"]: str(one["name"]) for one in content.get("categories", ())}
        photos = {key: _stem(image) for key, image in images.items()}
        found: BoxesByPhoto = {stem: [] for stem in photos.values() if wanted(stem, sizes)}
        for annotation in content["annotations"]:
            stem = photos[annotation["image_id"]]
            if stem in found and not annotation.get("iscrowd"):
                found[stem].append(_box(annotation, names, path))
        stated = {key: _size(image) for key, image in images.items()}
    except UNREADABLE as error:
        raise InputError(
            f"boxes '{path}': not COCO's json with images, annotations and their image_id, bbox "
            f"and category_id ({type(error).__name__}: {error})."
        ) from error
    for key, stem in photos.items():
        same_size(stem, sizes, stated[key], f"boxes '{path}'")
    return found


def _stem(image: dict[str, Any]) -> str:
    return PurePosixPath(str(image["file_name"]).replace("\\", "/")).stem


def _size(image: dict[str, Any]) -> tuple[int, int]:
    return int(image.get("height", 0)), int(image.get("width", 0))


def _box(annotation: dict[str, Any], names: dict[Any, str], path: Path) -> Labelled:
    x, y, w, h = (float(v) for v in annotation["bbox"])
    number = annotation["category_id"]
    label = names.get(number, int(number))
    where = f"boxes '{path}', annotation {annotation.get('id', '?')}"
    return labelled(label, (x, y, x + w, y + h), where)
