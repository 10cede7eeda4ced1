"""What YOLO's files hold, and what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes import read_boxes
from cam_core.sources.boxes.yolo import names_in
from tests.core.sources.boxes.written import SIZES, yolo

NAMES = {
    "by number": ("names:\n  1: dog\n  0: 'a cat' # small\n", ("a cat", "dog")),
    "in order": ("nc: 2\nnames:\n- cat\n- dog\nval: x\n", ("cat", "dog")),
    "on a line": ('names: [cat, "dog"]\n', ("cat", "dog")),
    "by number, on a line": ("names: {0: cat, 1: dog}\n", ("cat", "dog")),
    "nowhere": ("path: .\n  names:\n", ()),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str, tmp_path: Path) -> None:
    text, expected = NAMES[name]
    (tmp_path / "data.yaml").write_text(text)
    assert names_in(tmp_path / "data.yaml") == expected


def test_without_names_the_numbers_stay(tmp_path: Path) -> None:
    yolo(tmp_path, names="")
    (tmp_path / "labels/classes.txt").unlink()
    assert [box.label for box in read_boxes(tmp_path, SIZES)["photo"]] == [0, 3]


def test_a_polygon_is_the_box_round_it(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text("2 0.1 0.2 0.3 0.1 0.2 0.9\n")
    assert read_boxes(tmp_path, SIZES)["photo"] == [(2, 20, 10, 60, 90)]


def test_a_box_ends_with_the_photo(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text("2 0.0 0.5 0.5 1.5\n")
    assert read_boxes(tmp_path, SIZES)["photo"] == [(2, 0, 0, 50, 100)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.1 0.2 0.3", "line 2: write 'class x y w h'"),
        ("cat 0.1 0.2 0.3 0.1", "line 2: write"),
        ("0.5 0.1 0.2 0.3 0.1", "line 2: write"),
        ("-1 0.1 0.2 0.3 0.1", "line 2: write"),
        ("0 120 50 30 10", "line 2: YOLO's numbers are parts"),
        ("0 0.1 0.2 0 0.1", "line 2: box .* has no extent"),
        ("0 nan 0.2 0.1 0.1", "line 2: YOLO's numbers"),
    ],
)
def test_other_lines_are_refused(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_text(f"\n{line}\n")
    with pytest.raises(InputError, match=said):
        read_boxes(tmp_path, SIZES)


def test_sizes_are_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whose size is to be given"):
        read_boxes(yolo(tmp_path))


def test_two_files_of_one_photo_are_refused(tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/photo.txt").write_text("")
    with pytest.raises(InputError, match="are of one photo"):
        read_boxes(tmp_path, SIZES)


def test_names_that_are_none_are_refused(tmp_path: Path) -> None:
    for text in ("names:\n  cat\n", "names: {9999999: cat}\n"):
        (tmp_path / "data.yaml").write_text(text)
        with pytest.raises(InputError, match=r"data.yaml'"):
            names_in(tmp_path / "data.yaml")
