"""A photo of an input beside the one that is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cam_core.backend import InputInfo
from cam_core.cli.inputs.photos import photo
from cam_core.errors import InputError
from cam_core.image import PRESETS

FLOAT = np.dtype("float32")


def test_it_is_read_once_as_its_input_wants(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (6, 4), (10, 20, 30)).save(path)
    info = InputInfo("x", (None, 2, 3, 3), FLOAT, channel_axis=3)
    found = photo(path, PRESETS["raw"], info)
    assert found.pixels.shape == (4, 6, 3)
    np.testing.assert_array_equal(found.x, np.broadcast_to([10, 20, 30], (1, 2, 3, 3)))
    assert found.placement.photo == (4, 6)
    assert found.record["image"] == str(path)


def test_a_clip_takes_no_photo(tmp_path: Path) -> None:
    clip = InputInfo("clip", (8, 3, 4, 4), FLOAT, channel_axis=1, row_axis=None)
    with pytest.raises(InputError, match=r"'a\.png' is a picture, and input 'clip' takes 8"):
        photo(Path("a.png"), PRESETS["raw"], clip)
