"""What a photo is like, whatever any model makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...backend import Array

SIDE = 256
"""The shorter side that sharpness is measured at, so that it is not one of the camera's pixels."""


@dataclass(frozen=True)
class Look:
    """NaN where there is no photo."""

    brightness: float = float("nan")
    """The mean of the grey photo, from 0 to 1."""
    sharpness: float = float("nan")
    """The variance of its Laplacian, at 256 pixels (Pech-Pacheco et al. 2000); low: blurred."""
    aspect: float = float("nan")
    """Width over height."""


def look_of(pixels: Array | None) -> Look:
    """Of a photo uint8 [H, W, 3]."""
    if pixels is None:
        return Look()
    grey = small_grey(pixels)
    height, width = pixels.shape[:2]
    return Look(float(grey.mean() / 255), laplacian_variance(grey), width / height)


def small_grey(pixels: Array) -> Array:
    """float32 [h, w] from 0 to 255, its shorter side at most SIDE: the mean of whole blocks."""
    from PIL import Image

    factor = max(1, min(pixels.shape[:2]) // SIDE)
    found = np.asarray(Image.fromarray(pixels).convert("L").reduce(factor), np.float32)
    return found


def laplacian_variance(grey: Array) -> float:
    """Var(4 I - I_left - I_right - I_above - I_below) over the inner cells; NaN of a line."""
    if min(grey.shape) < 3:
        return float("nan")
    inner = grey[1:-1, 1:-1]
    beside = grey[1:-1, :-2] + grey[1:-1, 2:] + grey[:-2, 1:-1] + grey[2:, 1:-1]
    return float(np.var(4 * inner - beside, dtype=np.float64))
