"""The same boxes come out of every format, whose name nobody says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes import format_of, read_boxes
from tests.core.sources.boxes.written import CAT, DOG, FORMATS, SIZES, coco, imagenet, voc, yolo


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_says_the_same(kind: str, tmp_path: Path) -> None:
    path = FORMATS[kind](tmp_path)
    assert format_of(path) == kind
    boxes = read_boxes(path, SIZES)
    assert boxes.keys() == {"photo", "empty"}
    assert boxes["empty"] == []
    assert [box.label for box in boxes["photo"]] == ["cat", "dog"]
    corners = [box[1:] for box in boxes["photo"]]
    np.testing.assert_allclose(corners, [CAT, DOG], rtol=1e-12)  # sums of parts times 200


@pytest.mark.parametrize("kind", FORMATS)
def test_photos_that_nobody_asked_for_are_left_out(kind: str, tmp_path: Path) -> None:
    assert read_boxes(FORMATS[kind](tmp_path), {"empty": (50, 50)}).keys() == {"empty"}


@pytest.mark.parametrize("kind", ["coco", "voc", "imagenet"])
def test_corners_in_pixels_need_no_sizes(kind: str, tmp_path: Path) -> None:
    assert [tuple(box[1:]) for box in read_boxes(FORMATS[kind](tmp_path))["photo"]] == [CAT, DOG]


def test_one_file_of_many_is_enough(tmp_path: Path) -> None:
    yolo(tmp_path)
    assert read_boxes(tmp_path / "labels/photo.txt", SIZES).keys() == {"photo"}
    assert read_boxes(tmp_path / "classes.yaml", SIZES).keys() == {"photo", "empty"}
    (tmp_path / "voc").mkdir()
    assert read_boxes(voc(tmp_path / "voc") / "photo.xml", SIZES).keys() == {"photo"}


def test_what_is_none_or_several_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_boxes(tmp_path / "away")
    with pytest.raises(InputError, match="no labels there"):
        read_boxes(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="no labels there"):
        read_boxes(tmp_path / "photo.jpg")
    coco(tmp_path)
    imagenet(tmp_path)
    with pytest.raises(InputError, match="labels of coco and imagenet in it"):
        read_boxes(tmp_path)


def test_two_files_with_all_photos_are_refused(tmp_path: Path) -> None:
    coco(tmp_path)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"2 files, such as 'labels.json' and 'other.json'"):
        read_boxes(tmp_path)
