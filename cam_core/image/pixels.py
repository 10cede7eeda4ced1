"""Numbers of any range as pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array

COLOURS = 3
"""Channels that are shown as red, green and blue."""


def as_pixels(planes: Sequence[Array]) -> list[Array]:
    """Planes [H, W, C] as photos uint8 [H, W, 3], all on one scale.

    The least value of all is black, the largest white. Of any but three channels the mean is shown.
    """
    shown = [
        plane if plane.shape[-1] == COLOURS else plane.mean(-1, np.float64, keepdims=True)
        for plane in planes
    ]
    limits = min(float(p.min()) for p in shown), max(float(p.max()) for p in shown)
    return [
        np.ascontiguousarray(np.broadcast_to(stretch(plane, limits), (*plane.shape[:2], COLOURS)))
        for plane in shown
    ]


def stretch(values: Array, limits: tuple[float, float]) -> Array:
    """The lower limit becomes 0, the upper 255; where they are the same all is black."""
    low, high = limits
    span = high - low if np.isfinite(high - low) and high > low else 1.0
    scaled: Array = np.rint(255 * np.clip(np.nan_to_num((values - np.float64(low)) / span), 0, 1))
    return scaled.astype(np.uint8)
