"""Noise of one grey level, and which models are quantised."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.backend import Layer
from cam_core.compare.bounds import grey_level, grey_noise, quantised


def test_a_photo_moves_by_one_grey_level() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    pixels[0], pixels[1] = 0, 255
    moved = grey_level(pixels, 3)
    assert moved.dtype == np.uint8
    assert set(np.unique(moved.astype(int) - pixels)) == {-1, 0, 1}
    np.testing.assert_array_equal(moved, grey_level(pixels, 3))
    assert (moved != grey_level(pixels, 4)).any()


def test_an_array_moves_by_a_step_of_its_range() -> None:
    x = np.linspace(-2, 3, 60, dtype=np.float32).reshape(1, 3, 4, 5)
    moved = grey_noise(x, 0)
    assert moved.dtype == np.float32
    assert 0 < np.abs(moved - x).max() <= 5 / 255 + 1e-6
    assert (moved.min(), moved.max()) >= (-2, 3)
    both = grey_noise({"x": x, "ids": np.arange(4)}, 0)
    np.testing.assert_array_equal(both["x"], moved)
    np.testing.assert_array_equal(both["ids"], np.arange(4))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (("a", "Conv"), False),
        (("627_QuantizeInput", "Clip"), False),
        (("a", "DequantizeLinear"), True),
        (("a", "QLinearConv"), True),
        (("a", "ConvInteger"), True),
        (("12_dequantized", "Conv"), True),
    ],
)
def test_what_is_quantised_says_so(layer: tuple[str, str], expected: bool) -> None:
    backend: Any = SimpleNamespace(layers=lambda: [Layer(*layer, ())])
    assert quantised(backend) == expected
