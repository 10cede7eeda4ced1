"""What a row of a table says besides the path: numbers as classes, a box, a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cam_core.audit.data import open_data

SIZE = (6, 8)


def test_a_row_has_a_class_a_box_and_a_mask(tmp_path: Path) -> None:
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[1:3, 2:5] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    rows = ["a.png,3,1,2,5,4.5,m.png", "b.png,,,,,,m.png", "c.png,cat,,,,,"]
    (tmp_path / "t.csv").write_text("\n".join(["FILE,class,x0,y0,x1,y1,mask", *rows]))
    a, b, c = open_data(tmp_path / "t.csv")
    assert [one.label for one in (a, b, c)] == [3, None, "cat"]
    (first,), (second,) = a.things(SIZE), b.things(SIZE)
    assert tuple(first.box) == (3, 1, 2, 5, 4.5)
    assert tuple(second.box) == ("", 0, 0, 8, 6)  # nobody drew one: all of the photo
    assert second.mask is not None
    np.testing.assert_array_equal(second.mask(), mask[..., 0] > 0)
    assert list(c.things(SIZE)) == []


def test_photos_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label\na.png,0\n")
    (item,) = open_data(tmp_path / "t.csv", photos=tmp_path / "far")
    assert item.source == tmp_path / "far/a.png"


def test_numbers_of_a_parquet_file_are_classes(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"path": ["a.png", "b.png"], "label": [7, None], "more": [1.5, 2.5]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    assert [(item.id, item.label) for item in open_data(tmp_path / "t.parquet")] == [
        ("a.png", 7),
        ("b.png", None),
    ]
