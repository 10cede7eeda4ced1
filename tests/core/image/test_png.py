"""Pixels come back as they were, by another reader."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cam_core.image.png import png


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7), (300, 40)], ids=str)
def test_pillow_reads_the_same_pixels(shape: tuple[int, int], rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels[: shape[0] // 2] = 255  # paper, which is packed as runs
    picture = Image.open(BytesIO(png(pixels)))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_a_view_is_read_in_its_own_order(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (6, 4, 3), dtype=np.uint8).transpose(1, 0, 2)[::-1]
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(png(pixels)))), pixels)
