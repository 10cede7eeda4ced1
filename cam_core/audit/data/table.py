"""The table of formats, and the one door: photos of any of them, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from .arrays import is_npz, of_npz
from .beside import is_voc, is_yolo, of_voc, of_yolo
from .coco import is_coco, of_coco
from .far import Place, place_of
from .folders import folders, listed, of_classes, of_folder, pictures
from .imagenet import is_imagenet, of_imagenet
from .item import Item
from .marked import with_boxes
from .tables import is_table, of_csv, of_parquet


@dataclass(frozen=True)
class Format:
    """A row of FORMATS."""

    summary: str
    is_it: Callable[[Any], bool]
    items: Callable[[Any, Place | None], Iterator[Item]]
    """Of a path, and of the folder with its photos where that is said."""
    far: bool = False
    """May it lie in another file system? Else its labels are files here; photos may be far."""


FORMATS: Mapping[str, Format] = {
    "npz": Format("an .npz with x, and y, boxes, masks where there are any", is_npz, of_npz),
    "coco": Format("COCO's .json of annotations, with boxes and masks", is_coco, of_coco),
    "parquet": Format(
        "a .parquet with path, and label, mask, x0 y0 x1 y1 where there are any",
        lambda path: path.is_file() and path.suffix.lower() == ".parquet",
        of_parquet,
        far=True,
    ),
    "csv": Format(
        "a .csv with the same columns",
        lambda path: path.is_file() and is_table(path),
        of_csv,
        far=True,
    ),
    "imagenet": Format("ImageNet's .csv of boxes", is_imagenet, of_imagenet),
    "yolo": Format("folders images and labels side by side, or their .yaml", is_yolo, of_yolo),
    "voc": Format("Pascal VOC's folders JPEGImages and Annotations, with masks", is_voc, of_voc),
    "folder": Format(
        "a folder of photos",
        lambda path: path.is_dir() and bool(pictures(listed(path))),
        lambda path, photos: of_folder(path),
        far=True,
    ),
    "classes": Format(
        "a folder of folders, each a class of its name",
        lambda path: path.is_dir() and bool(folders(listed(path))),
        lambda path, photos: of_classes(path),
        far=True,
    ),
}
"""By name; of a path the first that it is."""


@dataclass(frozen=True)
class Data:
    """Photos that may be gone through again and again; nothing of them is held."""

    path: Place
    format: str
    photos: Place | None = None
    boxes: Path | None = None

    def __iter__(self) -> Iterator[Item]:
        """One after another, always in one order."""
        items = FORMATS[self.format].items(self.path, self.photos)
        return items if self.boxes is None else with_boxes(items, self.boxes)


def open_data(
    path: str | Place,
    *,
    format: str | None = None,
    photos: str | Place | None = None,
    boxes: str | Path | None = None,
) -> Data:
    """The photos that a path names.

    Args:
        path: a folder or file of one of FORMATS, or the URI of one that may be far.
        format: a row of FORMATS; None: what the path looks like.
        photos: the folder of the photos, where they are not near their labels.
        boxes: labels of other photos' boxes, as `read_boxes` takes them.

    Raises:
        InputError: no such path, or nothing that is known.
    """
    path = place_of(path)
    if not path.exists():
        raise InputError(f"'{path}': no such file or folder. Check the path.")
    if format is not None and format not in FORMATS:
        raise InputError(f"no format '{format}'; there are {', '.join(FORMATS)}")
    rows = {name: row for name, row in FORMATS.items() if row.far or isinstance(path, Path)}
    found = format or next((name for name, row in rows.items() if row.is_it(path)), None)
    if found is None:
        raise InputError(f"'{path}': no photos there. Give {_known(rows)}.")
    if found not in rows:
        raise InputError(
            f"'{path}': labels of the format '{found}' are read from this machine alone: copy them "
            "here, and say where the photos are with --photos"
        )
    where = None if photos is None else place_of(photos)
    return Data(path, found, where, None if boxes is None else Path(boxes))


def _known(rows: Mapping[str, Format]) -> str:
    *first, last = (row.summary for row in rows.values())
    return f"{'; '.join(first)}; or {last}"
