"""What was typed after `rank`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..typed import Typed


@dataclass(frozen=True, kw_only=True)
class Rank(Typed):
    """Its arguments and options."""

    model: str
    images: tuple[Path, ...]
    out: Path
    boxes: Path | None
    asked_methods: str | None
    asked_metrics: str | None
    checks: int
