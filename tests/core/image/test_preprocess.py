"""A photo as the model was trained to see it, and what is no photo for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.backend import InputInfo
from cam_core.errors import InputError
from cam_core.image import PRESETS, Preprocess, preprocess
from tests.core.image.photos import info, ramp


@pytest.mark.parametrize("photo", [(300, 400), (401, 333), (224, 224), (199, 801)], ids=str)
def test_imagenet_preset_is_resize_256_crop_224(photo: tuple[int, int]) -> None:
    # The steps of torchvision's classification reference, written out with pillow.
    image = ramp(*photo)
    height, width = photo
    short, long = sorted(photo)
    resized = (256, int(256 * long / short)) if height <= width else (int(256 * long / short), 256)
    picture = Image.fromarray(image).resize(resized[::-1], Image.Resampling.BILINEAR)
    top, left = round((resized[0] - 224) / 2), round((resized[1] - 224) / 2)
    pixels = np.asarray(picture)[top : top + 224, left : left + 224] / 255
    expected = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    x = preprocess(image, PRESETS["imagenet"], info("N", 3, 224, 224)).x
    assert x.shape == (1, 3, 224, 224)
    assert x.dtype == np.float32
    # One grey level: the crop is resized by itself, which may round one pixel differently.
    np.testing.assert_allclose(x[0].transpose(1, 2, 0), expected, atol=1.01 / 255 / 0.224)
    assert np.mean(np.abs(x[0].transpose(1, 2, 0) - expected) > 1e-6) < 0.01


COLOUR = (200, 100, 50)
VALUES = [  # preset, changes, expected by channel in the model's order
    ("raw", {}, (200, 100, 50)),
    ("unit", {}, (200 / 255, 100 / 255, 50 / 255)),
    ("tf", {}, (200 / 127.5 - 1, 100 / 127.5 - 1, 50 / 127.5 - 1)),
    ("caffe", {}, (50 - 104, 100 - 117, 200 - 123)),
    ("unit", {"mean": (0.5,)}, (200 / 255 - 0.5, 100 / 255 - 0.5, 50 / 255 - 0.5)),
    ("raw", {"bgr": True, "std": (2.0, 4.0, 5.0)}, (25, 25, 40)),
]


@pytest.mark.parametrize(("preset", "changes", "expected"), VALUES)
@pytest.mark.parametrize("nhwc", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_presets(
    preset: str, changes: dict[str, Any], expected: tuple[float, ...], nhwc: bool, dtype: str
) -> None:
    image = np.full((40, 50, 3), COLOUR, dtype=np.uint8)
    shape = (1, 32, 32, 3) if nhwc else (1, 3, 32, 32)
    layout = info(*shape, dtype=dtype, axis=3 if nhwc else 1)
    x = preprocess(image, replace(PRESETS[preset], **changes), layout).x
    assert x.shape == shape
    assert x.dtype == dtype
    pixel = x[0, 3, 5] if nhwc else x[0, :, 3, 5]
    np.testing.assert_allclose(pixel, expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_one_channel_is_grey() -> None:
    image = np.full((40, 50, 3), COLOUR, dtype=np.uint8)
    x = preprocess(image, PRESETS["raw"], info(1, 1, 28, 28)).x
    assert x.shape == (1, 1, 28, 28)
    np.testing.assert_allclose(x, 0.299 * 200 + 0.587 * 100 + 0.114 * 50, atol=0.6)  # ITU-R 601


def test_integer_input_is_rounded() -> None:
    x = preprocess(ramp(40, 40), PRESETS["raw"], info(1, 32, 32, 3, dtype="uint8")).x
    assert x.dtype == np.uint8
    assert x.max() > 200


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((None, 3, "h", "w"), None, (224, 224)),
        ((None, 3, "h", "w"), 96, (96, 96)),
        ((None, 3, "h", "w"), (64, 96), (64, 96)),
        ((None, 3, 80, "w"), (80, 96), (80, 96)),
        ((1, 3, 227, 227), None, (227, 227)),
    ],
)
def test_open_sizes(
    shape: tuple[int | str | None, ...], size: Any, expected: tuple[int, int]
) -> None:
    x = preprocess(ramp(300, 300), Preprocess(size=size), info(*shape)).x
    assert x.shape == (1, 3, *expected)


@pytest.mark.parametrize("last", [False, True])
def test_a_picture_alone_has_no_rows(last: bool) -> None:
    """[C, H, W] is the row of [1, C, H, W]."""
    spec, image = Preprocess(size=(24, 32), fit="stretch"), ramp(60, 80)
    shape, axis = (("h", "w", 3), 2) if last else ((3, "h", "w"), 0)
    alone = preprocess(image, spec, InputInfo("x", shape, np.dtype("float32"), axis, None))
    rows = preprocess(image, spec, info(1, *shape, axis=axis + 1))
    np.testing.assert_array_equal(alone.x, rows.x[0])
    assert alone.placement == rows.placement


REFUSED = [
    (Preprocess(size=96), info(1, 3, 224, 224), "takes only 224x224"),
    (Preprocess(), info(1, 14, "T"), "not an image"),
    (Preprocess(), info(1, 9, 32, 32, axis=1), "9 channels"),
    (Preprocess(resize=100), info(1, 3, 224, 224), "smaller than the input"),
    (Preprocess(size=0), info(1, 3, "h", "w"), "from 1 on"),
]


@pytest.mark.parametrize(("spec", "layout", "message"), REFUSED)
def test_what_does_not_fit_is_refused(spec: Preprocess, layout: InputInfo, message: str) -> None:
    with pytest.raises(InputError, match=message):
        preprocess(ramp(300, 300), spec, layout)


@pytest.mark.parametrize(
    "piece",
    [{"std": (0.0,)}, {"mean": (1.0, 2.0)}, {"scale": 0.0}, {"fit": "squash"}, {"resize": 0}],
    ids=str,
)
def test_senseless_pieces_are_refused(piece: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(piece))):
        Preprocess(**piece)
