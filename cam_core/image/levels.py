"""The way between an input and its pixels from 0 to 255, and of gradients back to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array, InputInfo

from .place import Placement
from .preprocess import channel_values, find_channel_axis, find_channels, to_dtype
from .presets import Preprocess


@dataclass(frozen=True, eq=False)
class Levels:
    """x = p * factor + shift, a number a channel; both as broadcast over the input."""

    factor: Array
    shift: Array
    axis: int
    """Of the channels: 1 or 3."""
    dtype: np.dtype[Any]

    def to_input(self, p: Array) -> Array:
        """Pixels -> the model's input, in its dtype."""
        return to_dtype(p * self.factor + self.shift, self.dtype)

    def of_input(self, x: Array) -> Array:
        """The input -> pixels in float64, as near as its dtype has them."""
        found: Array = (np.asarray(x, np.float64) - self.shift) / self.factor
        return found

    def slope(self, gx: Array) -> Array:
        """dL/dx -> dL/dp."""
        found: Array = gx * self.factor
        return found

    def inside(self, placement: Placement) -> Array:
        """1 where the input shows the photo, 0 in its padding, as broadcast over the input."""
        (top, left), (height, width) = placement.corner, placement.inner
        found = np.zeros(placement.size)
        found[top : top + height, left : left + width] = 1
        return found[None, None] if self.axis == 1 else found[None, :, :, None]

    def photo(self, p: Array, *, bgr: bool) -> Array:
        """The first row as a picture, uint8 [h, w, 3], RGB."""
        pixels = np.moveaxis(p[0], 0, -1) if self.axis == 1 else p[0]
        pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        if pixels.shape[-1] == 1:
            return np.repeat(pixels, 3, axis=-1)
        return np.ascontiguousarray(pixels[..., ::-1] if bgr else pixels)


def levels_of(spec: Preprocess, info: InputInfo) -> Levels:
    """How `preprocess` makes that input of pixels."""
    axis = find_channel_axis(info)
    channels = find_channels(info, axis)
    mean, std = (
        np.broadcast_to(channel_values(values, channels), channels)
        for values in (spec.mean, spec.std)
    )
    shape = (1, channels, 1, 1) if axis == 1 else (1, 1, 1, channels)
    factor = (spec.scale / std).reshape(shape)
    return Levels(factor, (-mean / std).reshape(shape), axis, info.dtype)
