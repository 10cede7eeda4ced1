"""How models were trained to see photos: what is done to the pixels, and what families want."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cam_core.errors import InputError

from .place import FITS

MOST_PIXELS = 2**26
"""Beyond the inputs of all models; some files only claim such sizes."""
RESAMPLE = ("bilinear", "bicubic", "lanczos", "nearest", "box", "hamming")
"""Pillow's filters."""


@dataclass(frozen=True)
class Preprocess:
    """x = (pixel * scale - mean) / std, after the photo was fitted to the input's size."""

    mean: tuple[float, ...] = (0.0,)
    """One value, or three in the model's channel order (blue first with `bgr`)."""
    std: tuple[float, ...] = (1.0,)
    scale: float = 1.0
    """What a pixel 0..255 is multiplied by, before the mean is taken off."""
    bgr: bool = False
    size: int | tuple[int, int] | None = None
    """Height and width where the model leaves them open; None: 224."""
    resize: int | None = None
    """The shorter side before the centre is cut out, for "crop" and "stretch"."""
    margin: float = 1.0
    """"crop" only, where `resize` is None: shorter side over the input's, 256/224 for ImageNet."""
    fit: str = "crop"
    pad: int = 114
    """"letterbox" and "corner" only: the grey of the padding."""
    resample: str = "bilinear"
    """How pixels are interpolated, always antialiased: one of RESAMPLE."""

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise InputError(f"fit '{self.fit}': choose one of {', '.join(FITS)}.")
        if self.resample not in RESAMPLE:
            raise InputError(f"resample '{self.resample}': choose one of {', '.join(RESAMPLE)}.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3) or not np.isfinite(values).all():
                raise InputError(f"{name} {list(values)}: give one finite number, or three.")
        if 0 in self.std:
            raise InputError("std 0: pixels are divided by it. Give numbers other than 0.")
        if not np.isfinite(self.scale) or self.scale == 0:
            raise InputError(f"scale {self.scale:g}: pixels are multiplied by it. Give 1 or 1/255.")
        if self.resize is not None and self.resize < 1:
            raise InputError(f"resize {self.resize}: give the shorter side in pixels, from 1 on.")
        self._require_sane_sizes()

    def _require_sane_sizes(self) -> None:
        """They may come from a file that makes no sense."""
        size: Any = (1, 1) if self.size is None else self.size
        sides = size if isinstance(size, tuple) else (size, size)
        if len(sides) != 2 or not all(isinstance(side, int | np.integer) for side in sides):
            raise InputError("size: give one side, or height and width, in whole pixels.")
        if max(*sides, self.resize or 1) > MOST_PIXELS:
            raise InputError(f"size: a side is at most {MOST_PIXELS:,} pixels. Give a smaller one.")
        if not 0 < self.margin < math.inf:
            raise InputError("margin: give how many times the input is covered, such as 1.")
        if not 0 <= self.pad <= 255:
            raise InputError("pad: give a grey from 0 to 255.")

    def describe(self, size: tuple[int, int], channels: int) -> str:
        """One line for people: what was done to the photo."""
        height, width = size
        shorter = round(min(size) * self.margin) if self.resize is None else self.resize
        order = "grey" if channels == 1 else "BGR" if self.bgr else "RGB"
        cut = f"{'' if self.resize is None else f' side {self.resize}, centre'} {height}x{width}"
        steps = {
            "crop": f"shorter side {shorter}, centre {height}x{width}",
            "stretch": f"stretched to{cut}",
            "letterbox": f"letterboxed into {height}x{width}",
            "corner": f"laid into the corner of {height}x{width}",
        }[self.fit]
        steps += "" if self.resample == "bilinear" else f" ({self.resample})"
        steps += f", {order}"
        if self.scale != 1:
            inverse = round(1 / self.scale, 4)
            steps += f"/{inverse:g}" if abs(self.scale) < 1 else f"*{self.scale:g}"
        if any(self.mean):
            steps += f", minus {numbers(self.mean)}"
        if any(value != 1 for value in self.std):
            steps += f", over {numbers(self.std)}"
        return steps


PRESETS: dict[str, Preprocess] = {
    "imagenet": Preprocess(
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=1 / 255, margin=256 / 224
    ),
    "caffe": Preprocess(mean=(104.0, 117.0, 123.0), bgr=True, margin=256 / 224),
    "tf": Preprocess(mean=(1.0,), scale=1 / 127.5),
    "unit": Preprocess(scale=1 / 255),
    "raw": Preprocess(),
}
"""What families of models want; the flags of `gradcam explain` override single pieces."""


DETECTORS: dict[str, tuple[str, Preprocess]] = {
    "": ("as YOLO", Preprocess(scale=1 / 255, fit="letterbox")),
    "offsets": ("as YOLOX", Preprocess(bgr=True, fit="corner")),
    "bounded offsets": ("as FastestDet", Preprocess(scale=1 / 255, bgr=True, fit="stretch")),
    "anchor offsets": ("as BlazeFace", Preprocess((127.5,), (127.5,), fit="letterbox", pad=0)),
    "selected": ("as RT-DETR", Preprocess(scale=1 / 255, fit="stretch")),
    "alone": ("as torchvision", Preprocess(scale=1 / 255, fit="stretch")),
    "queries": ("as DETR", replace(PRESETS["imagenet"], margin=1.0, fit="stretch")),
    "thinning": ("as UltraFace", Preprocess(mean=(127.0,), std=(128.0,), fit="stretch")),
    "distances": ("as SCRFD", Preprocess(mean=(127.5,), std=(128.0,), fit="corner", pad=0)),
}
"""By how the boxes of a detector are written (`BoxNumbers.written`), or what else is known of them:
what such ones mostly want."""


def numbers(values: tuple[float, ...]) -> str:
    """'104, 117, 123', or a single number where all are the same."""
    distinct = values[:1] if len(set(values)) == 1 else values
    return ", ".join(f"{value:g}" for value in distinct)
