"""Arrays of pixels as photos, and inputs as something to draw a heatmap on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cam_core.backend import Array, InputInfo

COLOURS = (1, 3)


def as_photos(array: Array, info: InputInfo) -> list[Array] | None:
    """The photos uint8 [H, W, 3] that an array of bytes holds; None where it is the input itself.

    Bytes for a model that takes floats are pixels: [H, W], [H, W, 3], [3, H, W], or a batch of
    those. Where the model itself takes bytes, only a single [H, W] or [H, W, 3] is a photo.
    """
    if array.dtype != np.uint8 or len(info.shape) != 4:
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


def draw(feed: Mapping[str, Array], infos: Sequence[InputInfo]) -> Array | None:
    """The first input that can be seen, uint8 [H, W, 3]: an image, else a signal in grey rows."""
    known = {info.name: info for info in infos}
    for rank, view in ((4, image), (3, signal)):
        for name, array in feed.items():
            if array.ndim == rank:
                return view(array[0].astype(np.float64), known[name])
    return None


def image(values: Array, info: InputInfo) -> Array:
    """An input [C, H, W] or [H, W, C] without its batch axis, stretched to 0..255."""
    last = info.channel_axis is not None and info.channel_axis % 4 == 3
    pixels = values if last else values.transpose(1, 2, 0)
    if pixels.shape[-1] not in COLOURS:
        pixels = pixels.mean(axis=-1, keepdims=True)
    return np.ascontiguousarray(np.broadcast_to(stretch(pixels), (*pixels.shape[:2], 3)))


def signal(values: Array, info: InputInfo) -> Array:
    """An input [C, T], each channel a grey band; time runs to the right."""
    rows = values.T if info.channel_axis is not None and info.channel_axis % 3 == 2 else values
    bands = np.concatenate([stretch(row[None]) for row in rows])
    thick = max(1, round(rows.shape[1] / 4 / len(rows)))
    return np.repeat(np.repeat(bands, thick, axis=0)[..., None], 3, axis=2)


def stretch(values: Array) -> Array:
    """The least value becomes 0, the largest 255; a constant is black."""
    low, high = float(values.min()), float(values.max())
    span = high - low if np.isfinite(high - low) and high > low else 1.0
    scaled: Array = np.rint(255 * np.clip(np.nan_to_num((values - low) / span), 0, 1))
    return scaled.astype(np.uint8)
