"""The page's input is Python's: pillow resizes the same photo beside it, number for number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.backend import InputInfo
from cam_core.image import PRESETS, Preprocess, preprocess
from cam_core.image.place import place
from tests.core.web.page import Call, facts, photo, random_photo

BOXES = [  # height, width of the photo; the box; height, width of the result
    ((37, 53), (0.0, 0.0, 37.0, 53.0), (16, 16)),
    ((37, 53), (3.2, 7.9, 30.7, 41.3), (64, 24)),
    ((20, 30), (0.0, 0.0, 20.0, 30.0), (20, 11)),
    ((20, 30), (0.0, 0.0, 20.0, 30.0), (50, 30)),
    ((12, 9), (1.5, 0.0, 9.25, 9.0), (12, 9)),
    ((9, 9), (0.0, 0.0, 9.0, 9.0), (9, 9)),
]


@pytest.mark.parametrize("kind", ["bilinear", "bicubic", "lanczos", "hamming", "box", "nearest"])
@pytest.mark.parametrize("row", BOXES, ids=range(len(BOXES)))
def test_it_resizes_as_pillow(kind: str, row: Any, node: Call, rng: np.random.Generator) -> None:
    extent, (top, left, bottom, right), size = row
    pixels = random_photo(rng, *extent)
    how = Image.Resampling[kind.upper()]
    expected = Image.fromarray(pixels).resize(size[::-1], how, box=(left, top, right, bottom))
    found = node("resample", "resample", photo(pixels), [top, left, bottom, right], size, kind)
    assert (found["height"], found["width"]) == size
    np.testing.assert_array_equal(np.reshape(found["data"], (*size, 3)), np.asarray(expected))


SPECS = [
    ("imagenet", PRESETS["imagenet"], "NCHW", "float32", 3),
    ("caffe", PRESETS["caffe"], "NHWC", "float32", 3),
    ("bytes", PRESETS["raw"], "NHWC", "uint8", 3),
    ("signed bytes", Preprocess(mean=(128.0,)), "NCHW", "int8", 3),
    ("grey", PRESETS["unit"], "NCHW", "float32", 1),
    ("grey of three", PRESETS["imagenet"], "NHWC", "float32", 1),
    ("half", PRESETS["imagenet"], "NCHW", "float16", 3),
    ("letterbox", Preprocess(scale=1 / 255, fit="letterbox"), "NCHW", "float32", 3),
    ("corner", Preprocess(bgr=True, fit="corner", pad=7), "NCHW", "float32", 3),
    ("stretch", Preprocess(scale=1 / 127.5, mean=(1.0,), fit="stretch"), "HWC", "float32", 3),
    ("stretch, cut", Preprocess(resize=40, fit="stretch", resample="bicubic"), "CHW", "float32", 3),
    ("side", Preprocess(resize=45, resample="lanczos"), "NCHW", "float64", 3),
]


@pytest.mark.parametrize("extent", [(61, 47), (50, 131), (16, 16)])
@pytest.mark.parametrize("row", SPECS, ids=[row[0] for row in SPECS])
def test_the_input_is_that_of_python(
    row: Any, extent: tuple[int, int], node: Call, rng: np.random.Generator
) -> None:
    _, spec, layout, kind, channels = row
    size, pixels = (32, 28), random_photo(rng, *extent)
    inner = (channels, *size) if layout.endswith("CHW") else (*size, channels)
    alone = not layout.startswith("N")
    shape = inner if alone else (1, *inner)
    axis = layout.index("C")
    info = InputInfo("x", shape, np.dtype(kind), axis, None if alone else 0)
    expected = preprocess(pixels, spec, info)
    known = facts(spec, size, layout, type=kind, channels=channels)
    found = node("prepare", "prepare", photo(pixels), known)
    assert tuple(found["dims"]) == shape
    assert found["description"] == expected.description
    x = np.array(found["x"], np.uint16).view(np.float16) if kind == "float16" else found["x"]
    np.testing.assert_array_equal(np.reshape(x, shape).astype(kind), expected.x)


PLACES = [
    ((480, 640), (224, 224), "crop", None, 256 / 224),
    ((333, 500), (299, 299), "crop", 342, 1.0),
    ((1000, 7), (64, 48), "letterbox", None, 1.0),
    ((123, 457), (416, 416), "corner", None, 1.0),
    ((123, 457), (96, 64), "stretch", 80, 1.0),
    ((5, 5), (7, 9), "stretch", None, 1.0),
]


@pytest.mark.parametrize("row", PLACES, ids=[row[2] + str(i) for i, row in enumerate(PLACES)])
def test_the_photo_lies_where_python_lays_it(row: Any, node: Call) -> None:
    extent, size, fit, shorter, margin = row
    expected = place(extent, size, fit, shorter=shorter, margin=margin)
    how = {"fit": fit, "resize": shorter, "margin": margin}
    found = node("place", "place", extent, size, how)
    assert found["inner"] == list(expected.inner)
    assert found["corner"] == list(expected.corner)
    assert found["box"] == list(expected.box)
    rows, columns = expected.seen((97, 61))
    assert node("place", "seen", found, (97, 61)) == [
        [rows.start, rows.stop],
        [columns.start, columns.stop],
    ]


def test_a_resize_that_is_too_small_is_refused(node: Call) -> None:
    body = """
    try { (await load("place")).place(...args); return ""; } catch (error) { return error.message; }
    """
    said = node.body(body, [30, 30], [32, 32], {"fit": "crop", "resize": 20, "margin": 1})
    assert said.startswith("resize 20: the photo becomes 20x20, smaller than the input 32x32.")
