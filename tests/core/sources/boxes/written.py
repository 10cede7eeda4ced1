"""The same two boxes in every format: a cat (10, 20, 50, 80) and a dog (30, 5, 60.5, 40)."""

from __future__ import annotations

import json
from pathlib import Path

HEIGHT, WIDTH = 100, 200
SIZES = {"photo": (HEIGHT, WIDTH), "empty": (50, 50)}
CAT, DOG = (10.0, 20.0, 50.0, 80.0), (30.0, 5.0, 60.5, 40.0)


def yolo(folder: Path, names: str = "names:\n  0: cat # small\n  3: 'dog'\nnc: 4\n") -> Path:
    (folder / "labels").mkdir()
    (folder / "classes.yaml").write_text(f"path: .\n{names}")
    middles = "0 0.15 0.5 0.2 0.6\n3 0.22625 0.225 0.1525 0.35 0.9\n\n"  # the dog with a confidence
    (folder / "labels/photo.txt").write_text(middles)
    (folder / "labels/empty.txt").write_text("")
    (folder / "labels/classes.txt").write_text("cat\n")
    return folder


def coco(folder: Path) -> Path:
    image = {"id": 7, "file_name": "a/b/photo.jpg", "height": HEIGHT, "width": WIDTH}
    crowd = {"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1}
    content = {
        "images": [image, {"id": 8, "file_name": "empty.jpg"}],
        "categories": [{"id": 0, "name": "cat"}, {"id": 3, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 0, "bbox": [10, 20, 40, 60], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [30, 5, 30.5, 35]},
            crowd,
        ],
    }
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def voc(folder: Path) -> Path:
    def thing(name: str, corners: tuple[float, ...]) -> str:
        tags = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
        inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags)
        return f"<object><name>{name}</name><bndbox>{inner}</bndbox></object>"

    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    things = thing("cat", (11, 21, 50, 80)) + thing("dog", (31, 6, 60.5, 40))  # from 1 on
    (folder / "photo.xml").write_text(f"<annotation>{size}{things}</annotation>")
    (folder / "empty.xml").write_text("<annotation></annotation>")
    return folder


def imagenet(folder: Path) -> Path:
    rows = "photo,cat 10 20 50 80 dog 30 5 60.5 40 \nempty,\n"
    (folder / "boxes.csv").write_text(f"ImageId,PredictionString\n{rows}")
    return folder / "boxes.csv"


FORMATS = {"yolo": yolo, "coco": coco, "voc": voc, "imagenet": imagenet}
