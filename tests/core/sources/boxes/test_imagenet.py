"""The lines of ImageNet's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes import read_boxes


def test_photos_are_paths_or_ids_and_lines_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("val/a.v2.JPEG,3 0 1 2 3\nid.4,n01 0 0 1 1\na.v2,4 0 1 2 3\n")
    found = {"a.v2": [(3, 0, 1, 2, 3), (4, 0, 1, 2, 3)], "id.4": [("n01", 0, 0, 1, 1)]}
    assert read_boxes(tmp_path / "a.csv") == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,cat 1 2 3\n", "line 1: write"),  # no headings: it has numbers
        ("photo,boxes\na,cat 1 2 3\n", "line 2: write"),
        ("photo,boxes\na,cat 1 2 3 x\n", "line 2: write"),
        ("photo,boxes\na,cat,1,2,3,4\n", "line 2: write"),
        ("a,cat 1 2 1 4\n", "line 1: box 1, 2, 1, 4 .* no extent"),
    ],
)
def test_other_lines_are_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_boxes(tmp_path / "a.csv")
