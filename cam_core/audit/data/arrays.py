"""An .npz of photos, read row by row out of the file.

`x` (or `images`) holds the photos, bytes as pixels and floats as the model takes them; `y`
(`labels`) their classes, `masks` [N, H, W] and `boxes` [N, 4] (left, top, right, bottom) where the
object is. A row of four zeros is no box.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import repeat
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...backend import Array
from ...errors import InputError
from ...recording.recorded import BROKEN
from ...sources.boxes.labelled import labelled
from .far import Place
from .item import Item, Label, Size, Thing, no_things

PHOTOS, LABELS, BOXES, MASKS = ("x", "images"), ("y", "labels"), ("boxes",), ("masks",)


def is_npz(path: Path) -> bool:
    """By its name."""
    return path.is_file() and path.suffix.lower() == ".npz"


def of_npz(path: Path, photos: Place | None) -> Iterator[Item]:
    """A row a photo.

    Raises:
        InputError: no .npz, no photos in it, or other numbers of rows.
    """
    try:
        with zipfile.ZipFile(path) as file, ExitStack() as opened:
            rows = [_member(file, names, opened, path) for names in (PHOTOS, LABELS, BOXES, MASKS)]
            for i, (x, y, box, mask) in enumerate(zip(*rows, strict=False)):
                label = None if y is None else _label(y)
                yield Item(f"{path.name}[{i}]", x, label, _marked(label, box, mask, path, i))
    except BROKEN as error:
        raise InputError(f"'{path}': not read ({error}). Save it again with numpy.") from error


def _member(
    file: zipfile.ZipFile, names: tuple[str, ...], opened: ExitStack, path: Path
) -> Iterator[Any]:
    """The rows of the first array of these names; None for ever where there is none."""
    held = {name.removesuffix(".npy") for name in file.namelist()}
    name = next((name for name in names if name in held), None)
    if name is None and names == PHOTOS:
        raise InputError(f"'{path}': no array '{names[0]}' in it; it has {', '.join(sorted(held))}")
    return repeat(None) if name is None else rows_of(opened.enter_context(file.open(f"{name}.npy")))


def rows_of(file: IO[bytes]) -> Iterator[Array]:
    """The rows of an .npy one after another.

    Raises:
        ValueError: it holds Python objects, or lies column by column.
    """
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
    header = header or np.lib.format.read_array_header_2_0
    shape, by_column, dtype = header(file)
    if dtype.hasobject or (by_column and len(shape) > 1) or not shape:
        raise ValueError("rows of numbers are wanted, in C order")
    size = prod(shape[1:]) * dtype.itemsize
    for _ in range(shape[0]):
        yield np.frombuffer(_exactly(file, size), dtype).reshape(shape[1:])


def _exactly(file: IO[bytes], size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise EOFError("the file ends within a row")
    return found


def _label(y: Array) -> Label:
    value = y.reshape(-1)[0]
    return str(value) if y.dtype.kind in "US" else int(value)


def _marked(
    label: Label | None, box: Array | None, mask: Array | None, path: Path, row: int
) -> Any:
    lit = box is not None and bool(np.any(box))
    if mask is None and not lit:
        return no_things
    corners = tuple(float(v) for v in box.reshape(-1)) if lit and box is not None else None
    return partial(_things, label, corners, mask, f"'{path}', row {row}")


def _things(
    label: Label | None,
    corners: tuple[float, ...] | None,
    mask: Array | None,
    where: str,
    size: Size,
) -> list[Thing]:
    """Its one object."""
    height, width = size
    box = labelled("" if label is None else label, corners or (0, 0, width, height), where)
    return [Thing(box, None if mask is None else partial(np.asarray, mask, bool))]
