"""A real segmentation of photos: its region, its places, and where their maps are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core import explain
from tests.paths import DATA

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")

BUS, DOG = 6, 12
PHOTOS = {"000000001584": BUS, "000000000285": DOG}
"""Photos of COCO with one large thing; the bear of the second is a dog to a model of VOC."""
SIDE = 257


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(DATA / "models" / "deeplab-v3-voc.onnx")


def photo(name: str) -> Any:
    picture = Image.open(DATA / "coco" / "images" / f"{name}.jpg").convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE)), np.float32)[None] / 127.5 - 1


@pytest.mark.parametrize("name", PHOTOS)
def test_the_region_is_found_and_its_map_lies_in_it(name: str, backend: OnnxBackend) -> None:
    x = photo(name)
    found = explain(backend, x)
    y = backend.forward(x)["ResizeBilinear_3"][0]
    region = y.argmax(-1) == PHOTOS[name]
    assert (found.method, found.target) == ("hirescam", f"region:{PHOTOS[name]}")
    assert found.outline is not None
    np.testing.assert_array_equal(found.outline.values[0], region)
    assert found.detail[0]["region"]["places"] == region.sum()
    np.testing.assert_allclose(found.score, y[region][:, PHOTOS[name]].mean(), rtol=1e-5)
    heat = found.heatmap((SIDE, SIDE))[0]
    assert heat[region].sum() > 0.85 * heat.sum()


def test_a_place_lights_itself(backend: OnnxBackend, rng: np.random.Generator) -> None:
    """Within a cell and a half of 8 pixels, on the larger part of places."""
    x = photo("000000001584")
    y = backend.forward(x)["ResizeBilinear_3"][0]
    places = np.argwhere(y.argmax(-1) == BUS)
    apart = []
    for row, column in places[rng.integers(len(places), size=6)]:
        found = explain(backend, x, f"{BUS}@{column + 0.5},{row + 0.5}")
        np.testing.assert_allclose(found.score, y[row, column, BUS], rtol=1e-5)
        heat = found.heatmap((SIDE, SIDE))[0]
        peak = np.unravel_index(heat.argmax(), heat.shape)
        apart.append(float(np.hypot(peak[0] - row, peak[1] - column)))
    assert np.median(apart) <= 12
