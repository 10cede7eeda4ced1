"""The picture's own size, where neither the model nor anything else says one."""

from __future__ import annotations

from dataclasses import replace

from cam_core.backend import InputInfo
from cam_core.image import Preprocess
from cam_core.image.preprocess import find_channel_axis, with_rows

STEPS = (1, 8, 16, 32, 64, 128)
"""What a side is rounded to: one after the other until the model takes it."""


def sides(info: InputInfo) -> tuple[int | None, int | None]:
    """Height and width of an image input; None where they are open."""
    axis = find_channel_axis(info)
    height, width = (
        d if isinstance(d, int) else None
        for i, d in enumerate(with_rows(info).shape)
        if i % 4 not in (0, axis)
    )
    return height, width


def leaves_open(info: InputInfo, spec: Preprocess) -> bool:
    """Does the model leave a side open, and the preprocessing too?"""
    return None in sides(info) and spec.size is None and spec.resize is None


def at_own_size(
    spec: Preprocess, info: InputInfo, photo: tuple[int, int], step: int | None
) -> Preprocess:
    """The preprocessing that keeps a photo [H, W] whole, its sides rounded to `step` pixels.

    A side that the model fixes decides the scale of the other. None: as it was.
    """
    if step is None or not leaves_open(info, spec):
        return spec
    fixed = sides(info)
    scale = next((n / side for n, side in zip(fixed, photo, strict=True) if n is not None), 1.0)
    height, width = (
        max(1, round(side * scale / step)) * step if n is None else n
        for n, side in zip(fixed, photo, strict=True)
    )
    return replace(spec, size=(height, width), fit="stretch", margin=1.0)
