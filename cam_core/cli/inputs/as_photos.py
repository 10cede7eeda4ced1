"""Arrays of pixels as photos."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array, InputInfo

COLOURS = (1, 3)


def as_photos(array: Array, info: InputInfo) -> list[Array] | None:
    """The photos uint8 [H, W, 3] that an array of bytes holds; None where it is the input itself.

    Bytes for a model that takes floats are pixels: [H, W], [H, W, 3], [3, H, W], or a batch of
    those. Where the model itself takes bytes, only a single [H, W] or [H, W, 3] is a photo.
    """
    if array.dtype != np.uint8 or not info.pictured:
        return None
    if array.ndim == 4 and info.dtype != np.uint8:
        rows = [colour(row) for row in array]
    elif array.ndim in (2, 3):
        rows = [colour(array)]
    else:
        return None
    return None if any(row is None for row in rows) else [row for row in rows if row is not None]


def colour(pixels: Array) -> Array | None:
    """[H, W, 3] of one photo in any order of its axes; None where that cannot be told."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif pixels.shape[-1] not in COLOURS:
        if pixels.shape[0] not in COLOURS:
            return None
        pixels = pixels.transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
