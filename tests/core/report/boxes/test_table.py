"""What is written, word for word, and read again by the reader of each format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cam_core.report.boxes import FORMATS, Found
from cam_core.sources.boxes import read_boxes

SIZES = {"a": (100, 200), "b": (50, 50)}
FOUND = [
    Found("a.jpg", (100, 200), 3, "tiger, cat", (10, 20, 50, 80), 7.0, {"score": 2.5}),
    Found("a.jpg", (100, 200), 0, 'a "dog"', (30.5, 5.25, 60.5, 40), 9.0),
    Found("b.png", (50, 50), 3, "tiger, cat", (0, 0, 50, 50), 2500.0),
]
OFF = {"coco": 0, "yolo": 2e-4, "voc": 0.5}
"""Pixels: YOLO's sixth digit of 200, VOC's whole pixels."""


@pytest.mark.parametrize("name", FORMATS)
def test_its_reader_finds_the_same(name: str, tmp_path: Path) -> None:
    for file, content in FORMATS[name](FOUND, {}).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    boxes = read_boxes(tmp_path, SIZES)
    found = [box for stem in ("a", "b") for box in boxes[stem]]
    assert [box.label for box in found] == [one.name for one in FOUND]
    corners = [one.corners for one in FOUND]
    np.testing.assert_allclose([box[1:] for box in found], corners, atol=OFF[name], rtol=0)


def test_coco_by_hand() -> None:
    content = json.loads(FORMATS["coco"](FOUND[:1], {"method": "gradcam"})["coco.json"])
    assert content == {
        "info": {"method": "gradcam"},
        "images": [{"id": 1, "file_name": "a.jpg", "height": 100, "width": 200}],
        "categories": [{"id": 3, "name": "tiger, cat"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 3,
                "bbox": [10, 20, 40, 60],
                "area": 7.0,
                "iscrowd": 0,
                "score": 2.5,
            }
        ],
    }


def test_yolo_by_hand() -> None:
    files = FORMATS["yolo"](FOUND, {})
    assert files["labels/a.txt"].splitlines()[0] == b"3 0.150000 0.500000 0.200000 0.600000"
    assert files["classes.yaml"] == b'names:\n  0: "a \\"dog\\""\n  3: "tiger, cat"\n'


def test_voc_counts_pixels_from_one_and_names_the_last() -> None:
    text = FORMATS["voc"](FOUND[2:], {})["voc/b.xml"].decode()
    assert "<xmin>1</xmin>" in text
    assert "<xmax>50</xmax>" in text
    assert "<filename>b.png</filename>" in text


def test_rows_of_an_array_are_photos_each() -> None:
    rows = [Found(f"a.npy[{i}]", (9, 9), 0, "x", (0, 0, 3, 3), 9.0) for i in range(2)]
    assert {"labels/a.npy[0].txt", "labels/a.npy[1].txt"} < set(FORMATS["yolo"](rows, {}))
