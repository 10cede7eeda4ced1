"""What was typed after `monitor`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..typed import Typed


@dataclass(frozen=True, kw_only=True)
class Monitor(Typed):
    """Its arguments and options."""

    log: Path
    baseline: Path
    alpha: float
    every: int
    by_class: bool
    seed: int
    fail_if: tuple[str, ...]
    junit: Path | None
