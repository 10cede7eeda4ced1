"""Files of other file systems are the photos that they are here; what is not there is told.

The file system is one of pyarrow's own over a folder, as s3:// is over a bucket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec", reason="stands in for a far file system")

from cam_core.audit.data import open_data
from cam_core.audit.data.far import Far, below_of, pixels_at, place_of
from cam_core.audit.run import run
from cam_core.errors import InputError, UnreachableError
from tests.core.audit.data.test_table import in_classes, in_coco, in_csv, in_folder, in_parquet
from tests.core.audit.engines.fatal import rows
from tests.core.audit.tiny import photos, tiny_plan

FAR = "fsspec+file://"


@pytest.mark.parametrize("make", [in_folder, in_classes, in_csv, in_parquet])
def test_the_same_photos_come_from_afar(make: Callable[[Path], Path], tmp_path: Path) -> None:
    here = make(tmp_path)
    near, far = open_data(here), open_data(f"{FAR}{here}")
    assert far.format == near.format
    for one, other in zip(near, far, strict=True):
        assert (one.id, one.label) == (other.id, other.label)
        assert isinstance(other.source, Far)
        assert str(other.source) == f"{FAR}{one.source}"
        np.testing.assert_array_equal(pixels_at(one.source), pixels_at(other.source))


def test_a_table_here_names_photos_there(tmp_path: Path) -> None:
    in_folder(tmp_path)
    (tmp_path / "here").mkdir()
    table = tmp_path / "here" / "table.csv"
    table.write_text(f"path\n{FAR}{tmp_path}/photos/one.png\n")
    (item,) = open_data(table)
    assert pixels_at(item.source).shape[2] == 3
    table.write_text("path\none.png\n")
    (item,) = open_data(table, photos=f"{FAR}{tmp_path}/photos")
    assert pixels_at(item.source).shape[2] == 3


def test_labels_here_are_of_photos_there(tmp_path: Path) -> None:
    labels = in_coco(tmp_path)
    near, far = open_data(labels), open_data(labels, photos=f"{FAR}{tmp_path}/images")
    assert [item.id for item in near] == [item.id for item in far]
    first = next(iter(far))
    assert str(first.source).startswith(FAR)
    assert len(first.things(pixels_at(first.source).shape[:2])) == 2
    with pytest.raises(InputError, match="labels of the format 'coco' are read from this machine"):
        open_data(f"{FAR}{labels}", format="coco")
    with pytest.raises(InputError, match="no photos there"):
        open_data(f"{FAR}{labels}")


def test_rows_are_those_of_the_same_photos_here(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", 8, broken=[5])
    run(tiny_plan(folder), tmp_path / "near")
    run(tiny_plan(f"{FAR}{folder}"), tmp_path / "far")
    near, far = rows(tmp_path / "near"), rows(tmp_path / "far")
    for one, other in zip(near, far, strict=True):
        assert other.pop("path") == f"{FAR}{one.pop('path')}"
        if one["error"] is not None:
            one["error"] = one["error"].replace(str(folder), f"{FAR}{folder}")
        assert one == other


def test_a_photo_that_is_gone_is_a_row_and_a_silent_system_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of photos that nobody could reach would stay as they are."""
    folder = photos(tmp_path / "photos", 6)
    plan = tiny_plan(f"{FAR}{folder}", bounds=0)
    seen = list(plan.data)
    (folder / "cat" / "002.png").unlink()
    run(replace(plan, data=seen), tmp_path / "gone")
    errors = [row["error"] for row in rows(tmp_path / "gone")]
    assert [error is not None for error in errors] == [False] * 4 + [True, False]
    assert "no such file" in errors[4]

    content = Far.content

    def silent(self: Far) -> bytes:
        if self.name == "004.png":
            monkeypatch.setattr(Far, "_there", lambda self: (Silent(), ""))
        return content(self)

    monkeypatch.setattr(Far, "content", silent)
    with pytest.raises(UnreachableError, match=r"004.png.*NETWORK_CONNECTION.*goes on from here"):
        run(replace(plan, data=seen), tmp_path / "out")
    monkeypatch.undo()
    kept = rows(tmp_path / "out")
    assert [row["photo"] for row in kept] == [item.id for item in seen[:3]]
    run(replace(plan, data=seen), tmp_path / "out")
    assert rows(tmp_path / "out") == rows(tmp_path / "gone")


class Silent:
    """A file system that does not answer."""

    def open_input_stream(self, path: str) -> Any:
        raise OSError("When reading information for key: AWS Error NETWORK_CONNECTION")


PLACES: dict[str, tuple[str, Any]] = {
    "s3": ("s3://bucket/a b/c.jpg", Far("s3", "bucket", "/a b/c.jpg")),
    "options": (
        "s3://bucket/a?region=eu-central-1",
        Far("s3", "bucket", "/a", "?region=eu-central-1"),
    ),
    "a bucket": ("gs://bucket/", Far("gs", "bucket", "")),
    "a file here": ("file:///a/b%20c.jpg", Path("/a/b c.jpg")),
    "a path": ("a/b", Path("a/b")),
    "a drive": (r"C:\photos", Path(r"C:\photos")),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_a_path_or_a_uri_names(case: str) -> None:
    text, place = PLACES[case]
    assert place_of(text) == place
    if isinstance(place, Far):
        assert place_of(str(place)) == place


def test_paths_go_down_and_up() -> None:
    root = Far("s3", "bucket", "/a", "?region=x")
    one = root / "b/c.jpg"
    assert str(one) == "s3://bucket/a/b/c.jpg?region=x"
    assert (one.name, one.stem, one.suffix) == ("c.jpg", "c", ".jpg")
    assert str(one.parent.parent) == str(root)
    assert one.relative_to(root).as_posix() == "b/c.jpg"
    assert str(root.parent) == "s3://bucket?region=x"
    assert str(root.parent / "x.jpg") == "s3://bucket/x.jpg?region=x"
    assert below_of(Path("here"), "s3://other/d.jpg") == Far("s3", "other", "/d.jpg")
    assert below_of(Path("here"), "d.jpg") == Path("here/d.jpg")


REFUSED = {
    "keys": ("s3://me:hidden@bucket/photos", "keys do not belong into the path"),
    "a key": ("s3://bucket/photos?secret_key=hidden", "keys do not belong into the path"),
    "no such system": ("nowhere://bucket/photos", r"'nowhere://bucket/' is not opened"),
    "nothing there": (f"{FAR}/no/such/folder", "no such file or folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_told_in_a_line(case: str) -> None:
    text, said = REFUSED[case]
    with pytest.raises(InputError, match=said) as told:
        open_data(text)
    assert "hidden" not in str(told.value)
