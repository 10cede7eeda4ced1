"""From what was typed (files, folders, globs, NAME=FILE) to files and arrays."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError
from cam_core.image.read import PICTURES

ARRAYS = {".npy", ".npz"}
RECORDS = {
    **{"box": "box", "mask": "mask", "masked": "mask"},
    **{"attack": "attack", "attacked": "attack"},
}
"""How the name of a written picture ends: how that of its record does."""


def find_files(names: Sequence[Path]) -> list[Path]:
    """Folders become their pictures and globs their matches, in name order.

    Raises:
        InputError: a folder without pictures, or a glob that nothing matches.
    """
    found: list[Path] = []
    for name in names:
        if name.is_dir():
            found += of_folder(name)
        elif not name.exists() and glob.has_magic(str(name)):
            matches = [Path(match) for match in sorted(glob.glob(str(name), recursive=True))]  # noqa: PTH207
            files = [path for path in matches if path.is_file() and not is_ours(path)]
            if not files:
                raise InputError(f"'{name}': no file matches. Check the pattern.")
            found += files
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def of_folder(folder: Path) -> list[Path]:
    """The pictures of a folder in name order, those that were written by a command left out."""
    try:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file())
    except OSError as error:
        raise InputError(f"folder '{folder}': {error.strerror}.") from error
    pictures = [path for path in files if not is_ours(path)]
    if not pictures:
        raise InputError(f"folder '{folder}': no pictures in it ({', '.join(sorted(PICTURES))}).")
    return pictures


def is_ours(path: Path) -> bool:
    """Is it a picture that a command wrote, with its record beside it?"""
    return of_map(path) or of_many(path) or of_other(path)


def of_map(path: Path) -> bool:
    """Is it one of `explain`, with its raw map and its record?"""
    return _has_map(path.with_suffix(".json"))


def of_many(path: Path) -> bool:
    """Is it all characters of a line, or the maps of all methods, each with its record?"""
    before, characters, after = path.stem.partition(".characters.")
    name = f"{glob.escape(before)}.char-*.{glob.escape(after)}.json"
    if not characters:
        before, sheet, _ = f"{path.stem}.".partition(".methods.")
        name = f"{glob.escape(before)}.*.json" if sheet else ""
    return bool(name) and any(map(_has_map, path.parent.glob(name)))


def _has_map(record: Path) -> bool:
    return record.exists() and record.with_suffix(".npy").exists()


def of_other(path: Path) -> bool:
    """Is it one of `boxes`, `masks`, `attack`, `units` or `rank`?"""
    stem, _, kind = path.stem.rpartition(".")
    record = RECORDS.get(kind)
    own = path.stem == "rank" or path.stem.startswith("units.")
    return (record is not None and path.with_name(f"{stem}.{record}.json").exists()) or (
        own and path.with_suffix(".json").exists()
    )


def pairs(given: Sequence[str]) -> dict[str, Path]:
    """NAME=FILE, several of them; a name may hold '=' no more than a file may be missing."""
    found: dict[str, Path] = {}
    for text in given:
        name, equals, file = text.partition("=")
        if not equals or not name or not file:
            raise InputError(f"--input '{text}': write NAME=FILE.npy, such as x=photo.npy.")
        if name in found:
            raise InputError(f"--input '{name}' is given twice.")
        found[name] = Path(file)
    return found


def load(path: Path) -> Array | Mapping[str, Array]:
    """An .npy as an array, an .npz as arrays by name.

    Raises:
        InputError: there is no such file, it is broken, or it holds Python objects.
    """
    what = f"array '{path}'"
    if path.suffix.lower() not in ARRAYS:
        raise InputError(f"{what}: neither .npy nor .npz. Save it with numpy.")
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            found = (
                {name: loaded[name] for name in loaded} if path.suffix.lower() == ".npz" else loaded
            )
    except FileNotFoundError as error:
        raise InputError(f"{what}: no such file. Check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{what}: a folder. Give the file in it.") from error
    except MemoryError as error:
        raise InputError(f"{what}: larger than the memory. Split it.") from error
    except Exception as error:  # zipfile, zlib, tokenize and NumPy each have their own
        reason = " ".join(str(error).split()) or type(error).__name__
        if "allow_pickle" in reason:
            reason = "it holds Python objects, not numbers"
        raise InputError(f"{what}: not read ({reason[:120]}). Save it again with numpy.") from error
    for name, array in (found if isinstance(found, Mapping) else {"": found}).items():
        check_numbers(array, what + (f", '{name}'" if name else ""))
    return found


def check_numbers(array: Any, what: str) -> None:
    """Refuse text, dates and arrays without a single number."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        kind = getattr(array, "dtype", type(array).__name__)
        raise InputError(f"{what}: holds {kind}, not numbers. Save floats or integers.")
    if array.size == 0:
        raise InputError(f"{what}: has shape {list(array.shape)}, no number in it.")
