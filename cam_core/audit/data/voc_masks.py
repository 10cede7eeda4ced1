"""Pascal VOC's masks: a picture of numbers a photo, in SegmentationObject or SegmentationClass.

VOC2012 development kit, section 'Segmentation': of objects number i is the i-th object of the .xml,
of classes the i-th of the twenty; 0 is background, 255 the void at edges, which belongs to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ...backend import Array
from ...errors import InputError
from ...maps.boxes import inside
from ...sources.boxes import Labelled
from .item import Size, Thing

OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"
VOID = 255
NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
"""The twenty, from 1 on."""


def with_masks(root: Path, stem: str, boxes: Sequence[Labelled], size: Size) -> list[Thing]:
    """The objects of a photo with their masks, where there is a picture of them.

    By objects where that is drawn; else by classes, each object's part of it within its box.
    """
    objects, classes = (root / folder / f"{stem}.png" for folder in (OBJECTS, CLASSES))
    if objects.is_file():
        return [
            Thing(box, partial(of_object, objects, number, size))
            for number, box in enumerate(boxes, start=1)
        ]
    if not classes.is_file():
        return [Thing(box) for box in boxes]
    if not boxes:
        return of_classes(numbers(classes, size))
    return [
        Thing(box, partial(within, classes, box, size) if str(box.label) in NAMES else None)
        for box in boxes
    ]


def of_object(file: Path, number: int, size: Size) -> Array:
    """Its pixels, bool [H, W]."""
    return np.asarray(numbers(file, size) == number)


def within(file: Path, box: Labelled, size: Size) -> Array:
    """The pixels of its class whose centre lies in its box, bool [H, W]."""
    of_class = numbers(file, size) == NAMES.index(str(box.label)) + 1
    return np.asarray(of_class & inside(np.array([box[1:]]), size))


def of_classes(drawn: Array) -> list[Thing]:
    """Where there is no .xml: each class that is there as one object, with the box round it."""
    found = []
    for number in np.unique(drawn):
        if 0 < number <= len(NAMES):
            mask = drawn == number
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            ends = float(columns[0]), float(rows[0]), columns[-1] + 1.0, rows[-1] + 1.0
            found.append(Thing(Labelled(NAMES[number - 1], *ends), partial(np.copy, mask)))
    return found


def numbers(file: Path, size: Size) -> Array:
    """What a pixel is of, uint8 [H, W]; VOID is none.

    Raises:
        InputError: no picture of numbers (a palette, or grey), or of another size than the photo.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as picture:
            mode, found = picture.mode, np.asarray(picture)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"mask '{file}': not a picture that can be read") from error
    if mode not in ("P", "L"):
        raise InputError(
            f"mask '{file}': a picture of colours ({mode}); VOC's have a palette, whose numbers "
            "are those of objects or classes"
        )
    if found.shape != tuple(size):
        raise InputError(f"mask '{file}': it is {found.shape}, the photo {tuple(size)}.")
    return found
