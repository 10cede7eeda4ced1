"""Several maps on one photo: each in a colour of its own, or evidence for and against in two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array

Colour = tuple[int, int, int]
COLOURS: tuple[Colour, ...] = (
    *((240, 70, 60), (60, 170, 255), (255, 200, 40), (70, 220, 130), (220, 110, 255)),
    *((255, 140, 40), (60, 230, 230), (255, 130, 180), (170, 220, 60), (150, 140, 255)),
)
"""One a box, then from the start again."""
FOR, AGAINST = (200, 20, 30), (25, 80, 215)
"""Positive and negative evidence."""
WHITE = (255, 255, 255)
STRONGEST = 0.75
"""How much of the photo the hottest place covers."""


def colour_of(index: int) -> Colour:
    """That of one of several maps."""
    return COLOURS[index % len(COLOURS)]


def tinted(photo: Array, heats: Sequence[Array], colours: Sequence[Colour]) -> Array:
    """Maps [H, W] in [0, 1] over a photo uint8 [H, W, 3], each in its colour.

    p (1 - a) + c a with a = 3/4 of the hottest map there, c the mean of the colours weighted by
    the maps.
    """
    heat = np.clip(np.stack(heats), 0, 1).astype(np.float32)  # [k, H, W]
    total = heat.sum(axis=0)
    mixed = np.tensordot(heat, np.asarray(colours, np.float32), (0, 0))  # [H, W, 3]
    mixed = np.divide(mixed, total[..., None], out=np.zeros_like(mixed), where=total[..., None] > 0)
    return _over(photo, mixed, STRONGEST * heat.max(axis=0))


def signed_over(photo: Array, values: Array) -> Array:
    """Values [H, W] in [-1, 1] over a grey photo: red for, blue against, nothing at 0."""
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2)
    mixed = np.where((values > 0)[..., None], FOR, AGAINST).astype(np.float32)
    return _over(grey, mixed, STRONGEST * np.minimum(np.abs(values), 1))


def signed_bar(levels: Array) -> Array:
    """The colours uint8 [n, 3] of a bar from -1 at level 0 to 1 at level 1."""
    values = 2 * np.asarray(levels, np.float32) - 1
    mixed = np.where((values > 0)[:, None], FOR, AGAINST).astype(np.float32)
    white = np.broadcast_to(np.asarray(WHITE, np.float32), mixed.shape)
    return _over(white, mixed, np.abs(values))


def _over(ground: Array, colour: Array, alpha: Array) -> Array:
    """Colour over ground, uint8."""
    weight = alpha[..., None].astype(np.float32)
    found: Array = (ground * (1 - weight) + colour * weight + 0.5).astype(np.uint8)
    return found
