"""Pixels and inputs: there and back, against `preprocess`, and gradients by differences."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.image import PRESETS, Preprocess, place, preprocess
from cam_core.image.levels import levels_of

SPECS = {**PRESETS, "letterbox": Preprocess(scale=1 / 255, mean=(0.5,), fit="letterbox")}
SHAPES = {"NCHW": (1, 3, 24, 20), "NHWC": (1, 24, 20, 3)}


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("name", SPECS)
def test_the_way_back_of_preprocess(name: str, layout: str, rng: np.random.Generator) -> None:
    spec, axis = SPECS[name], 1 if layout == "NCHW" else 3
    info = InputInfo("x", SHAPES[layout], np.dtype("float32"), axis)
    photo = rng.integers(0, 256, (24, 20, 3)).astype(np.uint8)
    made = preprocess(photo, Preprocess(spec.mean, spec.std, spec.scale, spec.bgr), info)
    levels = levels_of(spec, info)
    p = levels.of_input(made.x)
    np.testing.assert_allclose(p, np.rint(p), atol=1e-3)  # a float32 of 255 has 5 digits behind
    np.testing.assert_array_equal(levels.photo(p, bgr=spec.bgr), photo)
    np.testing.assert_array_equal(levels.to_input(np.rint(p)), made.x)


def test_a_gradient_by_differences(rng: np.random.Generator) -> None:
    info = InputInfo("x", (1, 3, 4, 5), np.dtype("float64"), 1)
    levels, w = levels_of(PRESETS["imagenet"], info), rng.normal(size=(1, 3, 4, 5))
    p = rng.uniform(0, 255, (1, 3, 4, 5))
    slope = levels.slope(w)
    for at in ((0, 0, 1, 2), (0, 2, 3, 4)):
        moved = p.copy()
        moved[at] += 1
        change = (levels.to_input(moved) - levels.to_input(p)) * w
        assert slope[at] == pytest.approx(change.sum(), rel=1e-9)


def test_padding_is_no_photo_and_grey_is_shown() -> None:
    info = InputInfo("x", (1, 8, 8, 1), np.dtype("float32"), 3)
    levels = levels_of(Preprocess(), info)
    inside = levels.inside(place((4, 8), (8, 8), "letterbox"))
    assert inside.shape == (1, 8, 8, 1)
    assert inside[0, :, :, 0].sum(axis=1).tolist() == [0, 0, 8, 8, 8, 8, 0, 0]
    assert levels.photo(np.full((1, 8, 8, 1), 300.0), bgr=False).tolist() == [[[255] * 3] * 8] * 8
