"""A thing to explain: before it is opened, and as the model takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cam_core.backend import Array, Inputs
from cam_core.image import Cut, Placement

from .beneath import Given


@dataclass(frozen=True)
class Slot:
    """A thing to explain, not yet opened."""

    name: str
    """What tables call it: photo.png, or batch.npy[3]."""
    stem: str
    """How its files begin."""
    path: Path
    pixels: Array | None = None
    """uint8 [H, W, 3], where it is a photo that is decoded already, or in an array."""
    feed: Mapping[str, Array] = field(default_factory=dict)
    """Rows [1, ...] by input, where it is the input itself."""
    cut: Cut | None = None
    """The part of the photo that the model is shown; None: all of it."""
    whole: str = ""
    """The name of the photo that it is a part of."""


@dataclass(frozen=True)
class Sample:
    """A thing to explain, as the model takes it and as people see it."""

    slot: Slot
    x: Inputs
    picture: Array | None
    """The photo, uint8 [H, W, 3]; None where arrays were given."""
    placement: Placement | None
    """Where the photo lies in the input."""
    description: str
    record: Mapping[str, Any]
    given: Given = ()
    """The arrays that were given instead of a photo; those of the files, no copies."""


def fed(description: str, source: str) -> str:
    """How an input was made, and where that comes from; of an array nothing was."""
    return description if description.startswith("fed as") else f"{description} ({source})"
