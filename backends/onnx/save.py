"""Writes a model whole or not at all; weights in other files are linked, copied or shared."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import onnx

from cam_core.errors import InputError, ModelError

from .load import Source, external_entry, external_tensors

LARGEST_MESSAGE = 2**31 - 1
"""Protobuf's limit."""


@dataclass(frozen=True)
class DataFile:
    """A file of external weights that the new model needs beside it."""

    source: Path
    target: Path
    size: int


def data_files(source: Source, path: Path) -> list[DataFile]:
    """The files of weights that have to be brought to the folder of `path`."""
    if source.folder is None or source.folder.resolve() == path.parent.resolve():
        return []
    locations = {external_entry(t)["location"] for t in external_tensors(source.model)}
    files = [(source.folder / name, path.parent / name) for name in sorted(locations)]
    return [DataFile(old, new, old.stat().st_size) for old, new in files]


def save(model: onnx.ModelProto, path: str | Path, source: Source, *, copy: bool = False) -> Path:
    """Writes `model`, made from `source`, to `path`; its data files are hard-linked or copied.

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
    if model.ByteSize() > LARGEST_MESSAGE:
        raise ModelError("the model is larger than 2 GiB; keep its weights as external data")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        for file in data_files(source, path):
            _bring(file, copy)
        part.write_bytes(model.SerializeToString())
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _bring(file: DataFile, copy: bool) -> None:
    if file.target.exists():
        if file.target.samefile(file.source):
            return
        raise InputError(f"{file.target} exists and is another file; choose another folder")
    file.target.parent.mkdir(parents=True, exist_ok=True)
    part = file.target.with_name(f".{file.target.name}.{os.getpid()}.part")
    try:
        if copy:
            shutil.copy2(file.source, part)
        else:
            _link_or_copy(file.source, part)
        part.replace(file.target)
    finally:
        part.unlink(missing_ok=True)


def _link_or_copy(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # another disk, or a file system without hard links
        shutil.copy2(old, new)
