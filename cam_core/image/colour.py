"""Colours: OpenCV's jet table and pytorch-grad-cam's blend of heat and photo."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError

BLOCK = 2**16
"""Numbers that are worked on at once."""
LEVELS = (np.arange(256) + 0.5) / 255
"""A value for each entry of the table."""


def jet(values: Array) -> Array:
    """OpenCV's COLORMAP_JET: values in [0, 1] of any shape -> RGB uint8 [..., 3].

    Straight ramps of 4 a step; matplotlib's jet is another table.
    """
    i = level(values).astype(np.int16)
    red = np.minimum(4 * i - 382, 1148 - 4 * i)
    green = np.minimum(4 * i - 128, 892 - 4 * i)
    blue = np.minimum(4 * i + 128, 638 - 4 * i)
    table: Array = np.clip(np.stack([red, green, blue], axis=-1), 0, 255)
    return table.astype(np.uint8)


def level(values: Array) -> Array:
    """Where the table is entered, uint8: by truncation."""
    return (255 * np.clip(values, 0, 1)).astype(np.uint8)


def overlay(image: Array, heatmap: Array, *, image_weight: float = 0.5) -> Array:
    """Heat over photo, uint8 [H, W, 3], number for number as pytorch-grad-cam paints it.

    cam = (1 - w) jet(heatmap) + w image, divided by its maximum, truncated to 0..255.

    Args:
        image: RGB [H, W, 3], uint8, or float in [0, 1].
        heatmap: [H, W] in [0, 1].
        image_weight: w; 1 is the photo alone.
    """
    if image.ndim != 3 or image.shape[-1] != 3 or heatmap.shape != image.shape[:2]:
        raise InputError(
            f"overlay: image {image.shape} and heatmap {heatmap.shape} do not fit; "
            "give [H, W, 3] and [H, W]."
        )
    if not 0 <= image_weight <= 1:
        raise InputError(f"overlay: image_weight {image_weight:g} is not between 0 and 1.")
    whole = image.dtype == np.uint8
    if not (whole or (image.min() >= 0 and image.max() <= 1)):
        raise InputError("overlay: a float image has values from 0 to 1; give uint8 for 0 to 255.")
    heat = (1 - image_weight) * (jet(LEVELS).astype(np.float32) / np.float32(255))  # [256, 3]
    blend = np.empty(image.shape, np.float32)
    for rows in blocks(image):
        np.take(heat, level(heatmap[rows]), axis=0, out=blend[rows], mode="clip")
        photo: Array = image[rows].astype(np.float32)
        photo /= 255 if whole else 1
        photo *= image_weight
        blend[rows] += photo
    top, painted = blend.max() or 1, np.empty(image.shape, np.uint8)
    for rows in blocks(image):
        painted[rows] = 255 * (blend[rows] / top)
    return painted


def blocks(image: Array) -> Iterator[slice]:
    """Rows that fit the processor's cache, a block after another: several times as fast."""
    step = max(1, BLOCK // max(1, image.size // max(1, len(image))))
    return (slice(start, start + step) for start in range(0, len(image), step))
