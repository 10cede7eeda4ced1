"""What an input gets that says how large the picture is."""

from __future__ import annotations

import numpy as np

from cam_core.backend import InputInfo
from cam_core.cli.inputs.picture_sizes import told

PICTURE = InputInfo("images", (1, 3, 48, 64), np.dtype("float32"), 1)
SIZES = InputInfo("orig_target_sizes", (1, 2), np.dtype("int64"))
SHAPE = InputInfo("im_shape", ("N", 2), np.dtype("float32"))
KERAS = InputInfo("image_shape", (1, 2), np.dtype("float32"))
FACTOR = InputInfo("scale_factor", ("N", 2), np.dtype("float32"))


def test_the_size_of_the_models_own_input() -> None:
    found = told([PICTURE, SIZES, SHAPE, FACTOR, KERAS])
    assert {name: value.tolist() for name, value in found.items()} == {
        "orig_target_sizes": [[64, 48]],
        "im_shape": [[48, 64]],
        "scale_factor": [[1, 1]],
        "image_shape": [[48, 64]],
    }
    assert found["orig_target_sizes"].dtype == np.int64


def test_nothing_is_made_up() -> None:
    """Other names, other shapes, a picture of any size: asked for as ever."""
    assert told([PICTURE, InputInfo("state", (1, 2), np.dtype("int64"))]) == {}
    assert told([PICTURE, InputInfo("im_shape", (1, 3), np.dtype("float32"))]) == {}
    free = InputInfo("images", (1, 3, "h", "w"), np.dtype("float32"), 1)
    assert told([free, SIZES]) == {}
