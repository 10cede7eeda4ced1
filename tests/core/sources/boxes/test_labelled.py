"""What all formats hold to."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes.labelled import Labelled, class_or_name, is_of, labelled, text_of


@pytest.mark.parametrize(
    ("label", "index", "name", "expected"),
    [
        (3, 3, "cat", True),
        (3, 4, "cat", False),
        (3, None, "3", False),
        ("Cat", 9, "tiger, cat", True),
        ("tiger, cat", 9, "Tiger, Cat", True),
        ("cat", 9, "catfish", False),
        ("", 9, "", False),
    ],
)
def test_of_a_class(label: int | str, index: int | None, name: str, expected: bool) -> None:
    assert is_of(Labelled(label, 0, 0, 1, 1), index, name) is expected


@pytest.mark.parametrize("corners", [(5, 0, 5, 9), (0, 9, 5, 1), (0, 0, float("nan"), 1)])
def test_a_box_has_an_extent(corners: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"here: box .* has no extent"):
        labelled(1, corners, "here")


def test_numbers_and_names() -> None:
    assert [class_or_name(t) for t in (" 12 ", "n02", "٣")] == [12, "n02", "٣"]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        text_of(tmp_path / "a.csv")
