"""The files of a model by their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import ModelError


def hashes_of(model: str | Path) -> dict[str, str]:
    """SHA-256 of each file of a model, by name.

    A folder has all its files; beside a file lie those whose name begins with its own, where its
    weights may be (`model.onnx.data`). {} of what is no file.

    Raises:
        ModelError: one cannot be read.
    """
    path = Path(model)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
    elif path.is_file():
        files = sorted(f for f in path.parent.iterdir() if f.is_file() and _belongs(f, path))
    else:
        files = []
    root = path if path.is_dir() else path.parent
    return {file.relative_to(root).as_posix(): _sha256(file) for file in files}


def source_of(backend: object) -> str | None:
    """The hash that files made of a model carry (`cam.source_sha256`); None where it has none."""
    found = getattr(backend, "source_sha256", None)
    return found if isinstance(found, str) else None


def _belongs(file: Path, model: Path) -> bool:
    return file.name == model.name or file.name.startswith((f"{model.name}.", f"{model.name}_"))


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"model '{file}': {error.strerror}. Check the path.") from error
