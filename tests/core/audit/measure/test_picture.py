"""How bright, sharp and wide a photo is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cam_core.audit.measure.picture import Look, laplacian_variance, look_of, small_grey


def test_the_laplacian_is_that_of_a_loop() -> None:
    grey = np.random.default_rng(1).random((5, 7)) * 255
    found = [
        4 * grey[i, j] - grey[i - 1, j] - grey[i + 1, j] - grey[i, j - 1] - grey[i, j + 1]
        for i in range(1, 4)
        for j in range(1, 6)
    ]
    assert laplacian_variance(grey) == pytest.approx(np.var(found), rel=1e-12)


def test_a_blurred_photo_is_less_sharp_and_as_bright() -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(2)))
    a, b = look_of(pixels), look_of(blurred)
    assert b.sharpness < a.sharpness / 10
    assert b.brightness == pytest.approx(a.brightness, abs=0.01)  # but for its edges


def test_a_grey_photo_is_as_bright_as_its_grey() -> None:
    found = look_of(np.full((40, 80, 3), 51, np.uint8))
    assert found == Look(pytest.approx(0.2), 0.0, 2.0)


def test_a_large_photo_is_made_small_by_means_of_blocks() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (512, 768, 3)).astype(np.uint8)
    pixels[...] = pixels[..., :1]
    blocks = pixels[..., 0].reshape(256, 2, 384, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(small_grey(pixels), blocks, atol=0.51)  # rounded to bytes


def test_what_is_no_photo_is_like_nothing() -> None:
    assert np.isnan(list(vars(look_of(None)).values())).all()
    assert np.isnan(laplacian_variance(np.zeros((2, 9))))
