"""A folder per concept, photos in each, masks beside them: what units are named by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.errors import InputError

from .inputs.given_files import of_folder

if TYPE_CHECKING:
    from cam_core.backend import Array
    from cam_core.image import Placement

MASK = ".mask"
"""photo.jpg has its mask in photo.mask.png."""


@dataclass(frozen=True)
class Concepts:
    """Names, and photos with the concept that is in each."""

    names: tuple[str, ...]
    photos: tuple[tuple[Path, int], ...]


def read_concepts(folder: Path) -> Concepts:
    """The folders in a folder, in name order.

    Raises:
        InputError: there are none, or one has no photos.
    """
    try:
        inner = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as error:
        raise InputError(f"--concepts '{folder}': {error.strerror}.") from error
    if not inner:
        raise InputError(f"--concepts '{folder}': no folders in it; make one for each concept.")
    found = [
        (path, c)
        for c, one in enumerate(inner)
        for path in of_folder(one)
        if not path.stem.endswith(MASK)
    ]
    return Concepts(tuple(one.name for one in inner), tuple(found))


def masks_of(
    path: Path, concept: int, count: int, placement: Placement, size: tuple[int, int]
) -> Array:
    """Where each concept is in the model's input, bool [count, *size]: one of them on its mask.

    Without a mask it is all of the photo.

    Raises:
        InputError: the mask has another size than the photo.
    """
    inside, (rows, columns) = points(placement, size)
    found = np.zeros((count, *size), bool)
    found[concept] = inside
    beside = path.with_name(f"{path.stem}{MASK}.png")
    if beside.exists():
        mask = read_mask(beside, placement.photo)
        found[concept] &= mask[rows][:, columns]
    return found


def read_mask(path: Path, size: tuple[int, int]) -> Array:
    """Bool [H, W]: what is lighter than half."""
    from cam_core.image import read

    mask: Array = read(path).max(axis=2) > 127
    if mask.shape != size:
        height, width = size
        raise InputError(
            f"mask '{path}' is {mask.shape[0]}x{mask.shape[1]}, its photo {height}x{width}: "
            "save it at the photo's size."
        )
    return mask


def points(placement: Placement, size: tuple[int, int]) -> tuple[Array, tuple[Array, Array]]:
    """Which of `size` cells of the input show the photo, and its rows and columns in their middles.

    Rows and columns outside are those of the photo's edge.
    """
    inside, pixels = [], []
    for axis in (0, 1):
        middles = (np.arange(size[axis]) + 0.5) * placement.size[axis] / size[axis]
        at = middles * placement.scale[axis] + placement.matrix[1 - axis][2]
        inside.append((at >= 0) & (at < placement.photo[axis]))
        pixels.append(np.clip(np.floor(at), 0, placement.photo[axis] - 1).astype(int))
    return inside[0][:, None] & inside[1], (pixels[0], pixels[1])
