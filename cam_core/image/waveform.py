"""A signal as a picture of fixed width, however long it is."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array

from .bins import extremes, means
from .pixels import stretch

WIDTH, HEIGHT = 960, 320
"""Pixels of the picture; many channels make it higher."""
LOWEST, TALLEST = 36, 640
"""Pixels of one band at least, and of grey rows in all at most."""
BANDS = 24
"""More channels than this are rows of grey, as in a spectrogram."""
EDGE, STROKE = 4, 2
"""Pixels that a band leaves free above and below, and those of a line."""
GROUND, INK, GAP = 238, 40, 255
"""Greys."""


def waveform(values: Array) -> Array:
    """A signal [T, C] as uint8 [H, WIDTH, 3]; time runs to the right, each channel has a band."""
    channels = range(values.shape[1])
    if len(channels) > BANDS:
        grey = rows(values)
    else:
        height = max(LOWEST, HEIGHT // len(channels))
        grey = np.concatenate([band(values[:, c], height) for c in channels])
    return np.repeat(grey[..., None], 3, axis=2)


def band(row: Array, height: int) -> Array:
    """One channel [T] as uint8 [height, WIDTH]: a bar a column, from its least to its largest."""
    low, high = joined(*extremes(row, WIDTH))
    bottom, top = float(low.min()), float(high.max())
    if bottom == top:
        bottom, top = bottom - 1, top + 1  # a constant runs along the middle
    step = (height - 2 * EDGE - STROKE) / (top - bottom)
    upper, lower = (np.rint(EDGE + (top - edge) * step) for edge in (high, low))
    y = np.arange(height)[:, None]
    grey = np.where((y >= upper) & (y < lower + STROKE), INK, GROUND)
    grey[-1] = GAP
    return grey.astype(np.uint8)


def joined(low: Array, high: Array) -> tuple[Array, Array]:
    """The bars so that each touches the one before it, as a drawn line does; in float64."""
    low, high = low.astype(np.float64), high.astype(np.float64)
    first, last = low.copy(), high.copy()
    first[1:], last[1:] = np.minimum(low[1:], high[:-1]), np.maximum(high[1:], low[:-1])
    return first, last


def rows(values: Array) -> Array:
    """Many channels [T, C] as rows of grey uint8 [H, WIDTH], each stretched to its own range."""
    binned = means(values, WIDTH, 0).T  # [C, at most WIDTH]
    grey = np.stack([stretch(row, (float(row.min()), float(row.max()))) for row in binned])
    grey = np.rint(means(grey, TALLEST, 0)).astype(np.uint8)
    wide = grey[:, np.arange(WIDTH) * grey.shape[1] // WIDTH]
    return np.repeat(wide, max(1, HEIGHT // len(wide)), axis=0)
