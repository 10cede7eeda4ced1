"""The same photos come out of every format, whose name nobody says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.audit.data import FORMATS, Item, open_data
from cam_core.errors import InputError
from tests.core.sources.boxes.written import CAT, DOG, HEIGHT, WIDTH, coco, voc, yolo

SIZE = HEIGHT, WIDTH
BOXES = [("cat", *CAT), ("dog", *DOG)]
LABELS = {"one": "cat", "two": "dog"}
"""The photos where each has a class of its own."""


def photo(path: Path, grey: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*SIZE, 3), grey, np.uint8)).save(path)


def in_folder(folder: Path) -> Path:
    for name in LABELS:
        photo(folder / "photos" / f"{name}.png")
    (folder / "photos" / "notes.txt").write_text("no photo")
    return folder / "photos"


def in_classes(folder: Path) -> Path:
    for name, label in LABELS.items():
        photo(folder / "set" / label / "deeper" / f"{name}.png")
    (folder / "set" / ".hidden").mkdir()
    return folder / "set"


def in_csv(folder: Path) -> Path:
    in_folder(folder)
    rows = "".join(f"photos/{name}.png;{label}\n" for name, label in LABELS.items())
    (folder / "table.csv").write_text(f"\ufeffPath;Label\n{rows}", encoding="utf-8")
    return folder / "table.csv"


def in_parquet(folder: Path) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    in_folder(folder)
    columns = {"image": [f"photos/{name}.png" for name in LABELS], "label": list(LABELS.values())}
    parquet.write_table(pyarrow.table(columns), folder / "table.parquet")
    return folder / "table.parquet"


def in_npz(folder: Path) -> Path:
    pixels = np.full((2, *SIZE, 3), 90, np.uint8)
    np.savez_compressed(folder / "set.npz", x=pixels, y=np.array(["cat", "dog"]))
    return folder / "set.npz"


def in_coco(folder: Path) -> Path:
    file = coco(folder)
    photo(folder / "images/a/b/photo.jpg")
    photo(folder / "images/empty.jpg")
    return file


def in_yolo(folder: Path) -> Path:
    yolo(folder)
    for name in ("photo", "empty"):
        photo(folder / "images" / f"{name}.png")
    return folder


def in_voc(folder: Path) -> Path:
    (folder / "Annotations").mkdir()
    voc(folder / "Annotations")
    for name in ("photo", "empty"):
        photo(folder / "JPEGImages" / f"{name}.jpg")
    return folder


def in_imagenet(folder: Path) -> Path:
    rows = "one,cat 10 20 50 80\ntwo,dog 30 5 60.5 40\n"
    (folder / "boxes.csv").write_text(f"ImageId,PredictionString\n{rows}")
    photo(folder / "one.JPEG")
    photo(folder / "two.JPEG")
    return folder / "boxes.csv"


NAMED: dict[str, Callable[[Path], Path]] = {
    "folder": in_folder,
    "classes": in_classes,
    "csv": in_csv,
    "parquet": in_parquet,
    "npz": in_npz,
    "imagenet": in_imagenet,
    "coco": in_coco,
    "yolo": in_yolo,
    "voc": in_voc,
}
MARKED = ("coco", "yolo", "voc")
"""Those of photos with several objects."""


def test_every_format_has_its_photos() -> None:
    assert set(NAMED) == set(FORMATS)


@pytest.mark.parametrize("kind", NAMED)
def test_every_format_is_told_and_gone_through_twice(kind: str, tmp_path: Path) -> None:
    data = open_data(NAMED[kind](tmp_path))
    assert data.format == kind
    first, again = list(data), list(data)
    assert len(first) == 2
    assert [item.id for item in first] == [item.id for item in again]
    assert len({item.id for item in first}) == 2
    for item in first:
        assert pixels(item).shape == (*SIZE, 3)


@pytest.mark.parametrize("kind", [kind for kind in NAMED if kind not in (*MARKED, "folder")])
def test_labels_are_those_that_were_written(kind: str, tmp_path: Path) -> None:
    assert [item.label for item in open_data(NAMED[kind](tmp_path))] == ["cat", "dog"]


@pytest.mark.parametrize("kind", MARKED)
def test_boxes_are_those_that_were_written(kind: str, tmp_path: Path) -> None:
    items = {Path(item.id).stem: item for item in open_data(NAMED[kind](tmp_path))}
    assert items.keys() == {"photo", "empty"}
    assert [item.label for item in items.values()] == [None, None]
    # sums of parts times 200
    found = [tuple(thing.box) for thing in items["photo"].things(SIZE)]
    assert [label for label, *_ in found] == ["cat", "dog"]
    np.testing.assert_allclose([box[1:] for box in found], [b[1:] for b in BOXES], rtol=1e-12)
    assert list(items["empty"].things(SIZE)) == []


def test_the_boxes_of_imagenet_are_with_their_photo(tmp_path: Path) -> None:
    one, two = open_data(in_imagenet(tmp_path))
    assert [[tuple(t.box) for t in item.things(SIZE)] for item in (one, two)] == [
        [BOXES[0]],
        [BOXES[1]],
    ]


@pytest.mark.parametrize("label", ["coco", "voc", "yolo"])
def test_a_folder_takes_boxes_from_elsewhere(label: str, tmp_path: Path) -> None:
    photo(tmp_path / "mine/photo.png")
    photo(tmp_path / "mine/other.png")
    labels = {"coco": coco, "voc": voc, "yolo": yolo}[label](tmp_path)
    other, own = open_data(tmp_path / "mine", boxes=labels)
    assert list(other.things(SIZE)) == []
    found = [tuple(thing.box) for thing in own.things(SIZE)]
    assert [box[0] for box in found] == ["cat", "dog"]
    np.testing.assert_allclose([box[1:] for box in found], [b[1:] for b in BOXES], rtol=1e-12)


def test_images_beside_labels_are_yolos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = in_yolo(tmp_path)
    monkeypatch.chdir(root / "images")
    for path in (root / "images", root / "classes.yaml", Path()):
        data = open_data(path)
        assert data.format == "yolo", path
        empty, own = data
        assert (empty.id, own.id) == ("empty.png", "photo.png")
        assert [thing.box.label for thing in own.things(SIZE)] == ["cat", "dog"]


def test_photos_elsewhere_are_found_where_they_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    file = coco(tmp_path / "labels")
    with pytest.raises(InputError, match=r"photo 'a/b/photo.jpg' is not near it. .* --photos DIR"):
        list(open_data(file))
    photo(tmp_path / "far/a/b/photo.jpg")
    first, _ = open_data(file, photos=tmp_path / "far")
    assert pixels(first).shape == (*SIZE, 3)


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda folder: folder / "none", "no such file or folder"),
    "an empty folder": (lambda folder: folder, "no photos there. Give an .npz with x"),
    "a file of nothing": (lambda folder: _written(folder / "a.txt", "x"), "no photos there"),
    "json of others": (lambda folder: _written(folder / "a.json", "[]"), "not COCO's json"),
    "no path in a row": (
        lambda folder: _written(folder / "a.csv", "path,label\n,cat\n"),
        "row 1: no path. Fill it in",
    ),
    "half a box": (
        lambda folder: _written(folder / "a.csv", "path,x0,y0,x1,y1\na.png,1,2,three,4\n"),
        "row 1: x0, y0, x1, y1 are no numbers",
    ),
    "no npz": (lambda folder: _written(folder / "a.npz", "text"), "not read"),
    "another array": (lambda folder: _arrays(folder / "a.npz", z=np.zeros(2)), "no array 'x'"),
    "objects": (
        lambda folder: _arrays(folder / "a.npz", x=np.array([{}, {}])),
        "rows of numbers are wanted",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_told_in_a_line(case: str, tmp_path: Path) -> None:
    make, said = REFUSED[case]
    with pytest.raises(InputError, match=said):
        list(open_data(make(tmp_path)))


def test_a_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format 'tfrecord'; there are npz"):
        open_data(tmp_path, format="tfrecord")


def test_a_photo_of_another_size_than_was_labelled_is_told_when_it_is_asked(tmp_path: Path) -> None:
    first, _ = open_data(in_coco(tmp_path))
    with pytest.raises(InputError, match="was labelled at 200x100 pixels"):
        first.things((50, 50))


def pixels(item: Item) -> Any:
    return np.asarray(Image.open(item.source)) if isinstance(item.source, Path) else item.source


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _arrays(path: Path, **held: Any) -> Path:
    np.savez(path, **held)
    return path


def test_coco_has_the_order_of_its_file(tmp_path: Path) -> None:
    file = in_coco(tmp_path)
    content = json.loads(file.read_text())
    content["images"].reverse()
    file.write_text(json.dumps(content))
    assert [item.id for item in open_data(file)] == ["empty.jpg", "a/b/photo.jpg"]
