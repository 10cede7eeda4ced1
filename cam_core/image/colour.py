"""Colours: OpenCV's jet table and pytorch-grad-cam's blend of heat and photo."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError


def jet(values: Array) -> Array:
    """OpenCV's COLORMAP_JET: values in [0, 1] of any shape -> RGB uint8 [..., 3].

    Straight ramps of 4 a step; matplotlib's jet is another table.
    """
    i = np.uint8(255 * np.clip(values, 0, 1)).astype(np.int16)  # the table is entered by truncation
    red = np.minimum(4 * i - 382, 1148 - 4 * i)
    green = np.minimum(4 * i - 128, 892 - 4 * i)
    blue = np.minimum(4 * i + 128, 638 - 4 * i)
    table: Array = np.clip(np.stack([red, green, blue], axis=-1), 0, 255)
    return table.astype(np.uint8)


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
    photo = image.astype(np.float32)
    if image.dtype == np.uint8:
        photo = photo / np.float32(255)
    elif not (photo.min() >= 0 and photo.max() <= 1):
        raise InputError("overlay: a float image has values from 0 to 1; give uint8 for 0 to 255.")
    heat = jet(heatmap).astype(np.float32) / np.float32(255)
    blend = (1 - image_weight) * heat + image_weight * photo
    top = blend.max()
    scaled = blend / top if top > 0 else blend
    return (255 * scaled).astype(np.uint8)
