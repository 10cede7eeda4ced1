"""What was typed after `compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..typed import Typed


@dataclass(frozen=True, kw_only=True)
class Compare(Typed):
    """Its arguments and options."""

    model: str | None
    other: str | None
    images: tuple[Path, ...]
    out: Path
    own_preprocessing: bool
    layers_b: tuple[str, ...]
    labels_b: Path | None
    map_classes: Path | None
    sample: int
    seed: int
    tensors: bool
    fail_if: tuple[str, ...]
    junit: Path | None
    again: Path | None
