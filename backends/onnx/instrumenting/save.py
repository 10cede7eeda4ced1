"""Writes a model whole or not at all; weights in other files are linked, copied or shared."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import onnx

from cam_core.errors import InputError, ModelError

from ..reading.external import external_entry, external_tensors
from ..reading.load import LARGEST_MESSAGE, Source, message_size

LINKED, COPIED, SHARED = "link", "copy", "shared"
"""How a file of weights came to be beside the new model; shared: it was there already."""


@dataclass(frozen=True)
class DataFile:
    """A file of external weights that the new model reads."""

    path: Path
    size: int
    how: str


def save(
    model: onnx.ModelProto, path: str | Path, source: Source, *, copy: bool = True
) -> list[DataFile]:
    """Writes `model`, made from `source`, to `path`; its data files come along.

    They are copied, or without `copy` hard-linked where the disk is the same: that costs no space,
    and onnxruntime takes it, but `onnx.load` refuses a file of weights with two names, under
    either. Symbolic links it refuses too, and onnxruntime those that lead out of the folder.

    Returns:
        The data files, those that `model` shares with `source` included.

    Raises:
        InputError: the path is the source's own, its folder is missing, or it cannot be written.
        ModelError: larger than 2 GiB without external data.
    """
    path = Path(path)
    if source.path is not None and path.exists() and path.samefile(source.path):
        raise InputError(f"{path} is the model itself; write to another file")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"lies in '{path.parent}', which does not exist"
        raise InputError(f"cannot write: {path} {what}")
    if message_size(model) > LARGEST_MESSAGE:
        raise ModelError("the model is larger than 2 GiB; keep its weights as external data")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        files = [_bring(old, new, copy) for old, new in _data_files(source, path)]
        part.write_bytes(model.SerializeToString())
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return files


def _data_files(source: Source, path: Path) -> list[tuple[Path, Path]]:
    """(where it lies, where the model at `path` looks for it) of each file of weights."""
    if source.folder is None:
        return []
    locations = {external_entry(t)["location"] for t in external_tensors(source.model)}
    return [(source.folder / name, path.parent / name) for name in sorted(locations)]


def _bring(old: Path, new: Path, copy: bool) -> DataFile:
    size = old.stat().st_size
    if new.exists():
        if new.samefile(old):
            return DataFile(new, size, SHARED)
        raise InputError(f"{new} exists and is another file; choose another folder")
    new.parent.mkdir(parents=True, exist_ok=True)
    part = new.with_name(f".{new.name}.{os.getpid()}.part")
    try:
        how = COPIED if copy or not _linked(old, part) else LINKED
        if how == COPIED:
            shutil.copy2(old, part)
        part.replace(new)
    finally:
        part.unlink(missing_ok=True)
    return DataFile(new, size, how)


def _linked(old: Path, new: Path) -> bool:
    """A hard link to what lies at `old`: symbolic ones are followed, models must not hold any."""
    try:
        os.link(old.resolve(), new)
    except OSError:  # another disk, or a file system without hard links
        return False
    return True
