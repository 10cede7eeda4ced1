"""Configs as they lie beside models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import InputInfo

RGB = InputInfo("x", ("N", 3, 224, 224), np.dtype("float32"), 1)
VIT = {
    "image_processor_type": "ViTImageProcessor",
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.25, 0.25],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 224, "width": 224},
}
RESNET = {
    **VIT,
    "do_center_crop": True,
    "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
}
HALF, QUARTER = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


class Model:
    """A backend of which only the metadata count."""

    def __init__(self, **metadata: str) -> None:
        self.metadata = metadata


TIMM = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "input_size": [3, 224, 224],
    "crop_pct": 0.95,
    "interpolation": "bicubic",
    "crop_mode": "center",
}


def write(folder: Path, name: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / name).write_text(text, encoding="utf-8")
