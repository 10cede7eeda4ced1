"""VOC's pictures of numbers: which pixels are whose, by planted rectangles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cam_core.audit.data import open_data
from cam_core.audit.data.item import Thing
from cam_core.audit.data.voc_masks import CLASSES, NAMES, OBJECTS, VOID, numbers
from cam_core.errors import InputError
from tests.core.sources.boxes.written import HEIGHT, WIDTH, voc

SIZE = HEIGHT, WIDTH
CAT, DOG = NAMES.index("cat") + 1, NAMES.index("dog") + 1


def dataset(folder: Path) -> Path:
    """A photo with a cat (10, 20, 50, 80) and a dog (30, 5, 60.5, 40), and one without a label."""
    (folder / "Annotations").mkdir()
    (voc(folder / "Annotations") / "empty.xml").unlink()
    (folder / "JPEGImages").mkdir()
    for name in ("empty", "photo"):
        grey = np.full((*SIZE, 3), 90, np.uint8)
        Image.fromarray(grey).save(folder / "JPEGImages" / f"{name}.jpg")
    return folder


def draw(file: Path, parts: dict[int, tuple[slice, slice]], mode: str = "P") -> None:
    """Rectangles of numbers, in order; the palette's colours say nothing."""
    drawn = np.zeros(SIZE, np.uint8)
    for number, at in parts.items():
        drawn[at] = number
    picture = Image.fromarray(drawn)
    if mode == "P":
        picture.putpalette([i % 256 for i in range(768)])
    file.parent.mkdir(exist_ok=True)
    picture.convert(mode).save(file)


def things(folder: Path, name: str = "photo") -> dict[str, Thing]:
    items = {item.source.stem: item for item in open_data(folder)}  # type: ignore[union-attr]
    return {str(one.box.label): one for one in items[name].things(SIZE)}


def area(thing: Thing) -> tuple[int, int, int, int, int]:
    """Left, top, right, bottom and the number of pixels."""
    assert thing.mask is not None
    mask = thing.mask()
    assert (mask.dtype, mask.shape) == (np.dtype(bool), SIZE)
    rows, columns = np.nonzero(mask)
    ends = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return (*map(int, ends), int(mask.sum()))


def test_the_numbers_of_objects_are_their_places_in_the_xml(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    parts = {VOID: np.s_[20:80, 10:50], 1: np.s_[22:78, 12:48], 2: np.s_[10:20, 32:60]}
    draw(folder / OBJECTS / "photo.png", parts)
    draw(folder / CLASSES / "photo.png", {CAT: np.s_[0:100, 0:200]})  # which objects outrank
    found = things(folder)
    assert area(found["cat"]) == (12, 22, 48, 78, 56 * 36)  # the void at its edge is nobody's
    assert area(found["dog"]) == (32, 10, 60, 20, 10 * 28)
    assert found["cat"].box[1:] == (10, 20, 50, 80)


def test_a_class_is_cut_by_the_box_of_each_object(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    draw(folder / CLASSES / "photo.png", {CAT: np.s_[70:90, 0:200], DOG: np.s_[0:10, 50:200]})
    found = things(folder)
    assert area(found["cat"]) == (10, 70, 50, 80, 10 * 40)
    # the dog's right edge is at 60.5: the centre of pixel 60 lies on it, and is no longer inside
    assert area(found["dog"]) == (50, 5, 60, 10, 5 * 10)


def test_classes_without_an_xml_are_objects_of_their_own(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    parts = {CAT: np.s_[5:10, 20:30], VOID: np.s_[50:60, 0:9], 77: np.s_[90:99, 0:9]}
    draw(folder / CLASSES / "empty.png", parts, mode="L")
    found = things(folder, "empty")
    assert list(found) == ["cat"]
    assert found["cat"].box[1:] == (20, 5, 30, 10)
    assert area(found["cat"]) == (20, 5, 30, 10, 50)


def test_without_pictures_the_boxes_stand_for_the_objects(tmp_path: Path) -> None:
    assert all(one.mask is None for one in things(dataset(tmp_path)).values())


def test_what_is_no_picture_of_numbers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    draw(file, {1: np.s_[0:9, 0:9]}, mode="RGB")
    with pytest.raises(InputError, match=r"one.png': a picture of colours \(RGB\); VOC's have a"):
        numbers(file, SIZE)
    draw(file, {1: np.s_[0:9, 0:9]})
    with pytest.raises(InputError, match=r"it is \(100, 200\), the photo \(50, 50\)"):
        numbers(file, (50, 50))
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a picture that can be read"):
        numbers(file, SIZE)
