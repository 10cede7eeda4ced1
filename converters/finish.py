"""The end of every conversion: compared with its source, told of it, and put in its place."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cam_core.converted import CONVERTED
from cam_core.errors import InputError, ModelError
from cam_core.write import find_place, move_together

from .parity import Feed, Parity, Seen, worst_run
from .seen_onnx import seen as seen_onnx

MAX_IR = 13
"""What onnxruntime 1.31 loads; onnx itself writes newer versions."""


def finish(
    path: str | Path,
    write: Callable[[Path], None],
    source: Callable[[Feed], Seen],
    feeds: Sequence[Feed],
    *,
    told: Mapping[str, Any],
    tolerance: float | None = None,
    force: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Path, Parity | None]:
    """Writes a model, and leaves it where it is wanted if it computes what its source does.

    Args:
        path: where it goes.
        write: writes the .onnx file at a path.
        source: the source's run on a feed, whose arrays are by the file's input names.
        feeds: what is compared; with none nothing is.
        told: of the source: `source`, `sha256`, `converter`.
        tolerance: relative to the largest value; of float32 1e-4 if None.
        force: keep a file that computes something else.
        metadata: cam.labels, cam.preprocess.

    Raises:
        InputError: it cannot be written there.
        ModelError: it computes something else, and `force` is not given: nothing is written.
    """
    path = Path(path)
    place = find_place(path)
    room = None if place.straight else place.file.parent
    with _room(path, room) as held:
        file = Path(held) / path.name
        write(file)
        tell(file, {CONVERTED: dict(told)} | dict(metadata or {}))
        found = worst_run(((source(feed), seen_onnx(file, feed)) for feed in feeds), tolerance)
        if found is not None and not found.same and not force:
            raise ModelError(
                f"'{path.name}' and '{told['source']}' disagree: {found.words}; nothing was "
                "written (force keeps it all the same)"
            )
        written = sorted(Path(held).iterdir(), key=lambda part: part == file)
        move_together({part: path.parent / part.name for part in written})
    return path, found


def _room(path: Path, folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Where the file is written first, on its disk; a process that is killed leaves it, by name."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from error


def hash_of(source: Path) -> str:
    """sha256 of a file; of a folder that of its files' names and contents, in order."""
    found = hashlib.sha256()
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
    for file in files:
        if source.is_dir():
            found.update(file.relative_to(source).as_posix().encode())
        found.update(file.read_bytes())
    return found.hexdigest()


def tell(file: Path, metadata: Mapping[str, Any]) -> None:
    """Into the file's metadata, as JSON; its IR version is one that runtimes load."""
    import onnx

    model = onnx.load(str(file), load_external_data=False)
    model.ir_version = min(model.ir_version, MAX_IR)
    kept = [entry for entry in model.metadata_props if entry.key not in metadata]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=json.dumps(value, ensure_ascii=False))
    onnx.save(model, str(file))
