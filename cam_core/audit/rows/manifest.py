"""What a report is a report of: rows of other models, photos or settings do not come into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...foreign import from_json
from ...report import to_json
from .durable import write_durable

MANIFEST = "manifest.json"
FORMAT = 1


def digest(settings: Mapping[str, Any]) -> str:
    """SHA-256 of the settings, whatever order they are in."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(
    folder: Path, settings: Mapping[str, Any], facts: Mapping[str, Any] | None = None
) -> bool:
    """Says in the folder what it is a report of; does it go on with one?

    Args:
        folder: of the report.
        settings: all that changes a row.
        facts: what is good to know besides, such as what was typed.

    Raises:
        InputError: the folder holds a report of something else, and of what.
    """
    file = folder / MANIFEST
    plain = json.loads(json.dumps(settings))
    known = {"format": FORMAT, "sha256": digest(plain), "settings": plain, "facts": facts or {}}
    if file.exists():
        require_same(folder, read_manifest(folder), known)
        return True
    write_durable(file, to_json(known))
    return False


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a folder is a report of.

    Raises:
        InputError: it is none, or one of another format.
    """
    file = folder / MANIFEST
    try:
        found = from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "no JSON"
        raise InputError(f"no report in '{folder}': '{file}': {said}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"'{file}' is of another format: give another folder with -o")
    return found


def require_same(folder: Path, known: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuses to add to a report of something else.

    Raises:
        InputError: with the first setting that differs.
    """
    if known.get("sha256") == asked["sha256"]:
        return
    name, before, now = _first(known.get("settings"), asked["settings"])
    raise InputError(
        f"'{folder}' holds a report of other settings: {name} is {_short(before)} there and "
        f"{_short(now)} here. Give another folder with -o."
    )


def _first(before: Any, now: Any, name: str = "") -> tuple[str, Any, Any]:
    """What differs, by its way down."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*now, *before]):
            if before.get(key) != now.get(key):
                return _first(before.get(key), now.get(key), f"{name} {key}".strip())
    return name, before, now


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
