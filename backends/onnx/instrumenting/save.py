"""Writes a model whole or not at all; weights in other files are linked, copied or shared."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import onnx

from cam_core.errors import InputError, ModelError
from cam_core.pipe import PATIENCE
from cam_core.write import find_place, put, replacing

from ..reading.load import LARGEST_MESSAGE, Source, load, message_size
from ..reading.stored import external_entry, external_tensors

LINKED, COPIED, SHARED = "link", "copy", "shared"
"""How a file of weights came to be beside the new model; shared: it was there already."""


@dataclass(frozen=True)
class DataFile:
    """A file of external weights that the new model reads."""

    path: Path
    size: int
    how: str


def save(
    model: onnx.ModelProto,
    path: str | Path,
    source: object,
    *,
    copy: bool = True,
    patience: float = PATIENCE,
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
    path, opened = Path(path), load(source)
    if opened.path is not None and path.exists() and path.samefile(opened.path):
        raise InputError(f"{path} is the model itself; write to another file")
    files = _data_files(opened, path)
    place = find_place(path, alone=not files)
    if files and place.elsewhere:
        raise InputError(
            f"cannot write '{path}': it is a link to '{place.file}', and the model's weights must "
            f"lie beside it; name that file itself"
        )
    if any(place.file.exists() and place.file.samefile(old) for old, _ in files):
        raise InputError(f"{path} holds weights of the model; write to another file")
    if message_size(model) > LARGEST_MESSAGE:
        raise ModelError("the model is larger than 2 GiB; keep its weights as external data")
    shared = [new for old, new in files if _shared(old, new)]
    brought = [(old, new) for old, new in files if new not in shared]
    try:
        for _, new in brought:
            new.parent.mkdir(parents=True, exist_ok=True)
        with replacing([*(new for _, new in brought), path]) as parts:
            how = {new: _bring(old, p, copy) for (old, new), p in zip(brought, parts, strict=False)}
            put(parts[-1], model.SerializeToString(), patience)
        return [DataFile(new, old.stat().st_size, how.get(new, SHARED)) for old, new in files]
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _data_files(source: Source, path: Path) -> list[tuple[Path, Path]]:
    """(where it lies, where the model at `path` looks for it) of each file of weights."""
    if source.folder is None:
        return []
    locations = {external_entry(t)["location"] for t in external_tensors(source.model)}
    return [(source.folder / name, path.parent / name) for name in sorted(locations)]


def _shared(old: Path, new: Path) -> bool:
    """Does the file lie there already? Another one in its place is refused."""
    if new.exists() and new.samefile(old):
        return True
    if new.exists() or new.is_symlink():
        raise InputError(f"{new} exists and is another file; choose another folder")
    return False


def _bring(old: Path, part: Path, copy: bool) -> str:
    if not copy and _linked(old, part):
        return LINKED
    shutil.copy2(old, part)
    return COPIED


def _linked(old: Path, new: Path) -> bool:
    """A hard link to what lies at `old`: symbolic ones are followed, models must not hold any."""
    try:
        os.link(old.resolve(), new)
    except OSError:  # another disk, or a file system without hard links
        return False
    return True
