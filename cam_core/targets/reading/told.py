"""What the record of a line, or of a caption, says of a single row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def titled(detail: Sequence[Mapping[str, Any]]) -> str:
    """The line, or the caption; '' of several rows."""
    said = detail[0] if len(detail) == 1 else {}
    return repr(said["text"]["line"]) if "text" in said else str(said.get("caption", ""))


def likely(detail: Sequence[Mapping[str, Any]]) -> float | None:
    """p(line); None of several rows, and where it is about no whole line."""
    said = detail[0] if len(detail) == 1 else {}
    return float(said["text"]["probability"]) if "text" in said else None
