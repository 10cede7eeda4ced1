"""Photos of inputs beside the one that is explained: the same for every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cam_core.backend import Array, InputInfo
from cam_core.errors import InputError
from cam_core.image import Placement, Preprocess, preprocess, read

from .fitting import frames
from .own_size import at_own_size


@dataclass(frozen=True)
class Photo:
    """A photo as an input takes it."""

    path: Path
    pixels: Array
    """uint8 [H, W, 3]."""
    x: Array
    """[1, C, H, W] or [1, H, W, C]."""
    placement: Placement
    """Where it lies in the input."""
    record: Mapping[str, Any]
    spec: Preprocess
    info: InputInfo

    def at(self, step: int | None) -> Photo:
        """At its own size, rounded, where nothing says one."""
        spec = at_own_size(self.spec, self.info, self.placement.photo, step)
        return prepared(self.path, self.pixels, spec, self.info)


def photo(path: Path, spec: Preprocess, info: InputInfo) -> Photo:
    """Read and prepared.

    Raises:
        InputError: no picture, or an input that takes none.
    """
    if frames(info) != 1:
        raise InputError(
            f"'{path}' is a picture, and input '{info.name}' takes {frames(info)} at once: "
            "give its array as .npy"
        )
    return prepared(path, read(path), spec, info)


def prepared(path: Path, pixels: Array, spec: Preprocess, info: InputInfo) -> Photo:
    """As the input takes it."""
    made = preprocess(pixels, spec, info)
    record = {"image": str(path), **made.as_dict(spec)}
    return Photo(path, pixels, made.x, made.placement, record, spec, info)
