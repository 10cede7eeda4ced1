"""What VOC's files may not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from cam_core.errors import InputError
from cam_core.sources.boxes import read_boxes
from tests.core.sources.boxes.written import voc

OBJECT = "<object>{}<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>4</xmax>{}</bndbox></object>"


def test_another_size_than_was_labelled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labelled at 200x100 pixels, and the photo has 400x200"):
        read_boxes(voc(tmp_path), {"photo": (200, 400)})


def test_a_file_that_counts_from_zero_is_cut(tmp_path: Path) -> None:
    inner = OBJECT.format("<name>a</name>", "<ymax>7</ymax>")
    (tmp_path / "a.xml").write_text(f"<annotation>{inner}</annotation>")
    assert read_boxes(tmp_path)["a"] == [("a", 0, 0, 4, 7)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotation>", "not Pascal VOC's xml"),
        ("<html></html>", "<html> is no annotation"),
        ("<annotation><object><name>a</name></object></annotation>", "without bndbox"),
        (f"<annotation>{OBJECT.format('', '<ymax>7</ymax>')}</annotation>", "without name"),
        (f"<annotation>{OBJECT.format('<name>a</name>', '')}</annotation>", "without ymax"),
    ],
)
def test_another_xml_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match=said):
        read_boxes(tmp_path)
