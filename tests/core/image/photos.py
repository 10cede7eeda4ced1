"""Made-up photos, and inputs as models declare them."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array, InputInfo


def info(*shape: int | str | None, dtype: str = "float32", axis: int | None = None) -> InputInfo:
    return InputInfo("x", shape, np.dtype(dtype), axis)


def ramp(height: int, width: int) -> Array:
    """A photo without symmetry: red grows to the right, green downwards, blue is a checkerboard."""
    y, x = np.mgrid[:height, :width]
    blue = 255 * ((x // 16 + y // 16) % 2)
    return np.stack([255 * x / width, 255 * y / height, blue], axis=-1).astype(np.uint8)
