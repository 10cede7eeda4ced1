"""Photo -> model input, as the model was trained to see it, with the way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from cam_core.backend import Array, InputInfo
from cam_core.errors import InputError

from .place import Placement, place
from .presets import MOST_PIXELS, Preprocess


@dataclass(frozen=True)
class Prepared:
    """A model input that knows where it came from."""

    x: Array
    """[1, C, H, W] or [1, H, W, C], in the model's dtype; [C, H, W] where it takes one alone."""
    placement: Placement
    """The affine map from the input's pixels to the photo's."""
    description: str
    """The preprocessing in one line."""

    def to_photo(self, heatmap: Array, size: tuple[int, int] | None = None) -> Array:
        """Warp a heatmap over the input to the photo's pixels: see `Placement.to_photo`."""
        return self.placement.to_photo(heatmap, size)

    def as_dict(self, spec: Preprocess) -> dict[str, Any]:
        """All of it for the record, ready for JSON."""
        place = self.placement
        return asdict(spec) | {
            "description": self.description,
            "input_shape": list(self.x.shape),
            "dtype": str(self.x.dtype),
            "photo_size": list(place.photo),
            "input_to_photo": [list(row) for row in place.matrix],
        }


def preprocess(image: Array, spec: Preprocess, info: InputInfo) -> Prepared:
    """Make the input `info` asks for from a photo uint8 [H, W, 3].

    Layout, size, dtype and number of channels are the model's; an open size is `spec.size`.

    Raises:
        InputError: the input is not an image, or the size asked for is not the model's.
    """
    axis = find_channel_axis(info)
    size = find_size(spec, info, axis)
    channels = find_channels(info, axis)
    placement = place(image.shape[:2], size, spec.fit, shorter=spec.resize, margin=spec.margin)
    pixels = resize(image, placement, channels, spec)
    if spec.bgr:
        pixels = pixels[..., ::-1]
    mean, std = (channel_values(values, channels) for values in (spec.mean, spec.std))
    values = (pixels.astype(np.float64) * spec.scale - mean) / std  # [H, W, C]
    x = values if axis == 3 else values.transpose(2, 0, 1)
    described = spec.describe(size, channels)
    rows = np.ascontiguousarray(x) if info.alone else np.ascontiguousarray(x)[None]
    return Prepared(to_dtype(rows, info.dtype), placement, described)


def resize(image: Array, placement: Placement, channels: int, spec: Preprocess) -> Array:
    """The input's pixels uint8 [h, w, C]: antialiased, as pillow and torchvision do it."""
    from PIL import Image

    picture = Image.fromarray(image)
    if channels == 1:
        picture = picture.convert("L")
    top, left, bottom, right = placement.box
    kind = Image.Resampling[spec.resample.upper()]
    picture = picture.resize(placement.inner[::-1], kind, box=(left, top, right, bottom))
    pixels = np.asarray(picture).reshape(*placement.inner, channels)
    if placement.inner == placement.size:
        return pixels
    canvas = np.full((*placement.size, channels), spec.pad, dtype=np.uint8)
    (top_row, left_column), (height, width) = placement.corner, placement.inner
    canvas[top_row : top_row + height, left_column : left_column + width] = pixels
    return canvas


def find_channel_axis(info: InputInfo) -> int:
    """1 for NCHW, 3 for NHWC; from the model, else from where 1 or 3 stands in the shape.

    That of a picture alone is told as if it had a row: [C, H, W] is [1, C, H, W].
    """
    info = with_rows(info)
    if len(info.shape) != 4:
        raise not_an_image(info)
    if info.channel_axis is not None:
        return 1 if info.channel_axis % 4 == 1 else 3
    for axis in (1, 3):
        if info.shape[axis] in (1, 3):
            return axis
    if not isinstance(info.shape[1], int):
        return 1
    raise not_an_image(info)


def with_rows(info: InputInfo) -> InputInfo:
    """The same as an input of rows, where it takes a picture alone."""
    if not info.alone or info.channel_axis is None:
        return info
    return replace(info, shape=(1, *info.shape), channel_axis=info.channel_axis % 3 + 1, row_axis=0)


def find_size(spec: Preprocess, info: InputInfo, channel_axis: int) -> tuple[int, int]:
    """Height and width: the model's where they are fixed, else the spec's, else 224."""
    asked = (spec.size, spec.size) if isinstance(spec.size, int) else spec.size
    if asked is not None and min(asked) < 1:
        raise InputError(f"size {asked[0]}x{asked[1]}: give pixels, from 1 on.")
    shape = with_rows(info).shape
    fixed = shape[2:] if channel_axis == 1 else shape[1:3]
    size: list[int] = []
    for position, extent in enumerate(fixed):
        if isinstance(extent, int) and extent > 0:
            if asked is not None and asked[position] != extent:
                raise InputError(
                    f"size {asked[0]}x{asked[1]}: input '{info.name}' takes only "
                    f"{fixed[0]}x{fixed[1]}. Leave --size out."
                )
            size.append(extent)
        else:
            size.append(224 if asked is None else asked[position])
    if size[0] * size[1] > MOST_PIXELS:
        raise InputError(
            f"input '{info.name}' would be {size[0]}x{size[1]}; at most {MOST_PIXELS:,} pixels "
            "are made of a photo."
        )
    return size[0], size[1]


def find_channels(info: InputInfo, channel_axis: int) -> int:
    """1 or 3; an open number of channels is taken as 3."""
    channels = with_rows(info).shape[channel_axis]
    if not isinstance(channels, int):
        return 3
    if channels not in (1, 3):
        raise InputError(
            f"input '{info.name}' takes {channels} channels; a photo has 1 or 3. "
            "Build the input array yourself and call cam_core.explain."
        )
    return channels


def not_an_image(info: InputInfo) -> InputError:
    shape = ", ".join(str(extent) for extent in info.shape)
    return InputError(
        f"input '{info.name}' [{shape}] is not an image [N, C, H, W] or [N, H, W, C]. "
        "Save the input as an array and give the .npy."
    )


def channel_values(values: tuple[float, ...], channels: int) -> Array:
    """[C]; one channel takes the mean of three values (a grey photo in a colour preset)."""
    return np.full(1, np.mean(values)) if channels == 1 else np.asarray(values, dtype=np.float64)


def to_dtype(x: Array, dtype: np.dtype[Any]) -> Array:
    """Cast to the model's dtype; integers are rounded and held inside their range."""
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        x = np.clip(np.rint(x), limits.min, limits.max)
    return x.astype(dtype)
