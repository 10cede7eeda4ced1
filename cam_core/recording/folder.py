"""A folder of recordings: the pictures by name, and what is the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..foreign import from_json
from ..write import write_together
from .recorded import Recorded, from_npz, to_npz

FACTS = "recording.json"
"""What is the same for all pictures; nothing in it is needed."""


def write_folder(
    folder: str | Path, pictures: Mapping[str, Recorded], facts: Mapping[str, Any]
) -> list[Path]:
    """Writes `NAME.npz` for each picture and the facts, all of them or none.

    Raises:
        InputError: the folder holds other recordings, or nothing can be written there.
    """
    from ..report import to_json

    root = Path(folder)
    files = {f"{name}.npz": to_npz(one) for name, one in pictures.items()}
    others = sorted(path.name for path in root.glob("*.npz") if path.name not in files)
    if others:
        raise InputError(
            f"'{root}' holds '{others[0]}' already: one folder is one recording; name a new one"
        )
    return write_together(root, {**files, FACTS: to_json(facts)})


def is_recording(source: object) -> bool:
    """Is it a folder with recordings?"""
    folder = Path(source) if isinstance(source, str | Path) else None
    return folder is not None and folder.is_dir() and any(folder.glob("*.npz"))


def require_model(source: object) -> None:
    """Refuses a recording where a model is to run.

    Raises:
        InputError: it is one.
    """
    if is_recording(source):
        raise InputError(
            f"'{source}' is a recording: finished maps, no activations and no gradients; name the "
            "model itself (compare, audit and monitor take recordings)"
        )


def read_folder(folder: str | Path) -> tuple[dict[str, Recorded], dict[str, Any]]:
    """The pictures by name, and the facts, which are empty where nobody wrote any.

    Raises:
        InputError: no recording in it, or one that cannot be read.
    """
    root = Path(folder)
    found = {path.stem: from_npz(_bytes(path), str(path)) for path in sorted(root.glob("*.npz"))}
    if not found:
        raise InputError(f"'{root}' holds no recording: no .npz is in it")
    ranks = {one.cam_map.ndim for one in found.values()}
    shapes = {one.logits.shape for one in found.values()}
    if len(ranks) > 1 or len(shapes) > 1:
        raise InputError(f"'{root}': its recordings are of several models; keep them apart")
    return found, _facts(root / FACTS)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from error


def _facts(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = from_json(_bytes(path).decode("utf-8", "replace"))
    except ValueError as error:
        raise InputError(f"'{path}' is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"'{path}' holds no JSON object")
    return found
