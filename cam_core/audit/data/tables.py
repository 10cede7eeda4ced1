"""Tables of photos: a row each, as CSV or Parquet, with its path and maybe its label and mask."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any

import numpy as np

from ...backend import Array
from ...errors import InputError, MissingExtraError
from ...sources.boxes import Labelled
from ...sources.boxes.labelled import class_or_name, labelled
from .far import Far, Place, below_of, pixels_at
from .item import Item, Label, Size, Thing, no_things

PATH = ("path", "file", "filename", "file_name", "image", "photo")
LABEL = ("label", "class", "target")
MASK = ("mask", "mask_path")
CORNERS = ("x0", "y0", "x1", "y1")
"""Headings, in any case; of PATH, LABEL and MASK the first that is there."""
Row = Mapping[str, Any]
DELIMITERS = ",;\t"


def is_table(path: Place) -> bool:
    """Has the file a heading for paths?"""
    if path.suffix.lower() == ".parquet":
        return True
    return path.suffix.lower() in (".csv", ".tsv") and _column(headings(path), PATH) is not None


def of_csv(path: Place, photos: Place | None) -> Iterator[Item]:
    """A line a photo.

    Raises:
        InputError: it is no UTF-8, or a line has no path.
    """
    with text_of(path) as file:
        rows = csv.DictReader(file, delimiter=_delimiter(path))
        names = list(rows.fieldnames or ())
        yield from of_rows(rows, names, path, photos)


def of_parquet(path: Place, photos: Place | None) -> Iterator[Item]:
    """A row a photo, read group by group.

    Raises:
        InputError: it is no Parquet file.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            f"'{path}' needs pyarrow, which is not installed: pip install 'cam-core[parquet]'"
        ) from error
    try:
        file = pyarrow.parquet.ParquetFile(path.open() if isinstance(path, Far) else path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"table '{path}': no Parquet file. Write it again.") from error
    with file:
        names = file.schema_arrow.names
        wanted = [n for n in names if n.casefold() in (*PATH, *LABEL, *MASK, *CORNERS)]
        rows = (row for part in file.iter_batches(columns=wanted) for row in part.to_pylist())
        yield from of_rows(rows, names, path, photos)


def of_rows(
    rows: Iterator[Row] | csv.DictReader[str],
    names: Sequence[str],
    path: Place,
    photos: Place | None,
) -> Iterator[Item]:
    """What each row says.

    Raises:
        InputError: no heading for paths, or a row without one.
    """
    at, label, mask = (_column(names, of) for of in (PATH, LABEL, MASK))
    if at is None:
        raise InputError(f"table '{path}': no column {' or '.join(PATH[:2])}. Name one so.")
    corners = [_column(names, (name,)) for name in CORNERS]
    root = path.parent if photos is None else photos
    for number, row in enumerate(rows, start=1):
        where = f"table '{path}', row {number}"
        if not row.get(at):
            raise InputError(f"{where}: no {at}. Fill it in, or leave the row out.")
        file, said = str(row[at]), _label(None if label is None else row.get(label))
        drawn = None if mask is None or not row.get(mask) else below_of(root, str(row[mask]))
        box = _corners(row, corners, said, where)
        things = partial(_things, said, drawn, box)
        unmarked = box is None and drawn is None
        yield Item(file, below_of(root, file), said, no_things if unmarked else things)


def headings(path: Place) -> list[str]:
    """The first line of a CSV, a word a field; [] of what is no text."""
    try:
        with text_of(path) as file:
            return next(csv.reader(file, delimiter=_delimiter(path)), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def text_of(path: Place) -> IO[str]:
    """A table of text, opened."""
    if isinstance(path, Far):
        return path.open("utf-8-sig", "")
    return path.open(encoding="utf-8-sig", newline="")


def _delimiter(path: Place) -> str:
    """The one that the first line has most of."""
    with text_of(path) as file:
        first = file.readline()
    return max(DELIMITERS, key=first.count)


def _column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """As the table spells it."""
    spelled = {name.strip().casefold(): name for name in names if name is not None}
    return next((spelled[name] for name in wanted if name in spelled), None)


def _label(value: Any) -> Label | None:
    if value is None or value == "":
        return None
    return int(value) if isinstance(value, int) else class_or_name(str(value))


def _corners(
    row: Row, names: Sequence[str | None], label: Label | None, where: str
) -> Labelled | None:
    values = [None if name is None else row.get(name) for name in names]
    if any(value is None or value == "" for value in values):
        return None
    try:
        x0, y0, x1, y1 = (float(value) for value in values if value is not None)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: x0, y0, x1, y1 are no numbers. Mend them.") from error
    return labelled("" if label is None else label, (x0, y0, x1, y1), where)


def _things(
    label: Label | None, mask: Place | None, box: Labelled | None, size: Size
) -> list[Thing]:
    """The photo's one object."""
    height, width = size
    whole = Labelled("" if label is None else label, 0, 0, width, height)
    drawn = None if mask is None else partial(read_mask, mask)
    return [Thing(whole if box is None else box, drawn)]


def read_mask(path: Place) -> Array:
    """The pixels of a picture that are not black, bool [H, W]."""
    return np.asarray(pixels_at(path).any(axis=2))
