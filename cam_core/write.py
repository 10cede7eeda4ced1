"""Files that appear whole and together, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np

from .backend import Array
from .errors import InputError


def write_together(folder: str | Path, files: Mapping[str, bytes]) -> list[Path]:
    """Writes each file under a temporary name, then renames them all; returns the paths."""
    root = Path(folder)
    temporary = {root / name: root / f".{name}.{os.getpid()}.part" for name in files}
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part, content in zip(temporary.values(), files.values(), strict=True):
            part.write_bytes(content)
        for path, part in temporary.items():
            part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write to '{root}': {error.strerror or error}") from error
    finally:
        for part in temporary.values():
            if part.is_file():
                part.unlink()
    return list(temporary)


def npy(array: Array) -> bytes:
    """The bytes of an .npy file."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
