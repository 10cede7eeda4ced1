"""What COCO's file may not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes import read_boxes
from tests.core.sources.boxes.written import coco


def test_another_size_than_was_labelled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labelled at 200x100 pixels, and the photo has 400x200"):
        read_boxes(coco(tmp_path), {"photo": (200, 400)})


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"images": []},
        {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 2}]},
        {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1}]},
        {"images": 3, "annotations": []},
    ],
)
def test_another_json_is_refused(content: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="not COCO's json"):
        read_boxes(tmp_path / "a.json")


def test_a_category_without_name_is_its_number(tmp_path: Path) -> None:
    found = json.loads(coco(tmp_path).read_text())
    del found["categories"]
    (tmp_path / "labels.json").write_text(json.dumps(found))
    assert [box.label for box in read_boxes(tmp_path)["photo"]] == [0, 3]


def test_no_extent_is_refused_with_its_number(tmp_path: Path) -> None:
    found = json.loads(coco(tmp_path).read_text())
    found["annotations"][1]["bbox"] = [5, 5, 0, 3]
    (tmp_path / "labels.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match="annotation 2: box 5, 5, 5, 8"):
        read_boxes(tmp_path)
