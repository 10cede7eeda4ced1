"""What a converted file says of its source, in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping

CONVERTED = "cam.converted_from"
"""JSON: `source`, its `sha256`, the `converter`; `parity` in words where it was done just now."""


def conversion_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """The same read; {} where nothing is said, or nothing that is meant here."""
    try:
        found = json.loads(metadata.get(CONVERTED, "{}"))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def just_now(metadata: Mapping[str, str], parity: str) -> str:
    """The entry of a file that was converted as it was opened."""
    return json.dumps(conversion_of(metadata) | {"parity": parity}, ensure_ascii=False)
