"""Inputs that only say how large the picture is: detectors scale their boxes by them.

They are told the size of the model's own input, so that boxes lie in its pixels; the way from there
to the photo is the preprocessing's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cam_core.backend import Array, InputInfo

from .own_size import sides

Pair = tuple[float, float]
TOLD: dict[str, Callable[[int, int], Pair]] = {
    "orig_target_sizes": lambda height, width: (width, height),
    "im_shape": lambda height, width: (height, width),
    "image_shape": lambda height, width: (height, width),
    "scale_factor": lambda height, width: (1, 1),
}
"""By name, of (height, width): RT-DETR's and D-FINE's scripts, PaddleDetection's, keras-yolo3's."""


def told(infos: Sequence[InputInfo]) -> dict[str, Array]:
    """What such inputs get, by name; none where no picture has a size of its own."""
    pictures = [info for info in infos if len(info.shape) == 4 and info.channel_axis is not None]
    known = [info for info in infos if info.name in TOLD and info.shape[1:] == (2,)]
    if len(pictures) != 1 or not known:
        return {}
    height, width = sides(pictures[0])
    if height is None or width is None:
        return {}
    return {i.name: np.array([TOLD[i.name](height, width)], i.dtype) for i in known}
