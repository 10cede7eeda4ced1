"""What was typed after `audit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..typed import Typed


@dataclass(frozen=True, kw_only=True)
class Audit(Typed):
    """Its arguments and options."""

    given: tuple[str, ...]
    """Model, reference where there is one, data."""
    out: Path
    format: str | None
    photos: str | None
    boxes: Path | None
    sample: int | None
    seed: int
    bounds: int
    metrics: tuple[str, ...]
    engine: str
    workers: int | None
    own_preprocessing: bool
    layer_b: str | None
    labels_b: Path | None
    map_classes: Path | None
    fail_if: tuple[str, ...]
    junit: Path | None
    baseline: Path | None
    card: Path | None
    again: Path | None
