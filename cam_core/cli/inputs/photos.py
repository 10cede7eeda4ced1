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
    pixels = read(path)
    prepared = preprocess(pixels, spec, info)
    record = {"image": str(path), **prepared.as_dict(spec)}
    return Photo(path, pixels, prepared.x, prepared.placement, record)
