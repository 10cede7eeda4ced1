"""Pixels: golden colours, the affine map there and back, and what pictures are refused."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core.backend import Array, InputInfo
from cam_core.errors import InputError
from cam_core.image import PRESETS, Preprocess, card, jet, overlay, place, preprocess, read

MASK = np.array([[0, 0.25], [0.5, 1]], dtype=np.float32)
GREY = np.full((2, 2, 3), 0.5, dtype=np.float32)


def info(*shape: int | str | None, dtype: str = "float32", axis: int | None = None) -> InputInfo:
    return InputInfo("x", shape, np.dtype(dtype), axis)


def ramp(height: int, width: int) -> Array:
    """A photo without symmetry: red grows to the right, green downwards, blue is a checkerboard."""
    y, x = np.mgrid[:height, :width]
    blue = 255 * ((x // 16 + y // 16) % 2)
    return np.stack([255 * x / width, 255 * y / height, blue], axis=-1).astype(np.uint8)


# --- colour -----------------------------------------------------------------------------------


def test_overlay_gives_the_golden_pixels() -> None:
    expected = [[[85, 85, 170], [85, 167, 255]], [[168, 255, 171], [170, 85, 85]]]
    np.testing.assert_array_equal(overlay(GREY, MASK), expected)


def test_overlay_gives_the_golden_pixels_at_another_weight() -> None:
    bgr = [[[196, 137, 137], [255, 194, 137]], [[197, 255, 195], [137, 137, 196]]]
    np.testing.assert_array_equal(overlay(GREY, MASK, image_weight=0.7)[..., ::-1], bgr)


def test_overlay_of_a_zero_map_is_the_peers_blue() -> None:
    np.testing.assert_array_equal(overlay(GREY, 0 * MASK)[0, 0], [127, 127, 255])


def test_jet_is_opencvs_table() -> None:
    # Corners of the ramps of COLORMAP_JET, as published in OpenCV's table (RGB).
    known = {0: (0, 0, 128), 31: (0, 0, 252), 32: (0, 0, 255), 33: (0, 4, 255), 95: (0, 252, 255)}
    known |= {96: (2, 255, 254), 127: (126, 255, 130), 159: (254, 255, 2), 160: (255, 252, 0)}
    known |= {223: (255, 0, 0), 224: (252, 0, 0), 255: (128, 0, 0)}
    for index, colour in known.items():
        assert tuple(jet(np.float64((index + 0.5) / 255))) == colour, index


@pytest.mark.parametrize(
    ("image", "heatmap", "message"),
    [
        (np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2)), "do not fit"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2)), "do not fit"),
        (np.full((2, 2, 3), 200.0), np.zeros((2, 2)), "uint8"),
    ],
)
def test_overlay_refuses(image: Array, heatmap: Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        overlay(image, heatmap)


# --- there and back ---------------------------------------------------------------------------

PLACES = [  # photo, input, fit, options
    ((300, 400), (224, 224), "crop", {"margin": 256 / 224}),
    ((400, 300), (224, 224), "crop", {}),
    ((333, 517), (224, 224), "crop", {"shorter": 250}),
    ((517, 333), (160, 320), "crop", {"margin": 1.1}),
    ((300, 400), (224, 224), "stretch", {}),
    ((300, 400), (224, 224), "letterbox", {}),
    ((400, 251), (416, 416), "letterbox", {}),
    ((100, 90), (224, 224), "crop", {}),
]


@pytest.mark.parametrize(("photo", "size", "fit", "options"), PLACES, ids=str)
def test_a_blob_comes_back_to_its_place(
    photo: tuple[int, int], size: tuple[int, int], fit: str, options: dict[str, Any]
) -> None:
    at = photo[0] * 0.42, photo[1] * 0.61  # in edge coordinates
    y, x = np.mgrid[: photo[0], : photo[1]] + 0.5
    blob = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * 8.0**2))
    image = np.repeat((255 * blob).astype(np.uint8)[..., None], 3, axis=2)
    layout = info(1, 3, *size)
    spec = Preprocess(
        fit=fit, pad=0, resize=options.get("shorter"), margin=options.get("margin", 1)
    )
    prepared = preprocess(image, spec, layout)
    back = prepared.to_photo(prepared.x[0, 0])
    assert back.shape == photo
    found = (back * y).sum() / back.sum(), (back * x).sum() / back.sum()
    np.testing.assert_allclose(found, at, atol=0.5)  # the centre of mass, within half a pixel


@pytest.mark.parametrize(("photo", "size", "fit", "options"), PLACES, ids=str)
def test_the_matrix_is_the_affine_map(
    photo: tuple[int, int], size: tuple[int, int], fit: str, options: dict[str, Any]
) -> None:
    placement = place(photo, size, fit, **options)
    i, j = np.mgrid[: size[0], : size[1]]
    peak = 1 / (1 + (i - size[0] // 2) ** 2 + (j - size[1] // 3) ** 2)
    back = placement.to_photo(peak)
    x, y = np.array(placement.matrix) @ [size[1] // 3 + 0.5, size[0] // 2 + 0.5, 1]
    row, column = np.unravel_index(back.argmax(), photo)
    assert abs(row + 0.5 - y) <= 1
    assert abs(column + 0.5 - x) <= 1


def test_a_crop_leaves_the_margin_at_zero() -> None:
    placement = place((100, 300), (64, 64), "crop")
    back = placement.to_photo(np.ones((7, 7)))
    assert back[:, 100:200].min() == 1
    assert back[:, :100].max() == back[:, 200:].max() == 0


def test_a_letterboxs_padding_is_cut_off() -> None:
    heatmap = np.zeros((64, 64))
    heatmap[:21] = heatmap[43:] = 1  # where the padding lies, but for half a pixel
    back = place((100, 300), (64, 64), "letterbox").to_photo(heatmap)
    assert back[5:-5].max() == 0


def test_a_coarse_map_is_spread_as_by_half_pixel_centres() -> None:
    cells = np.array([[0.0, 1.0]])
    back = place((2, 8), (2, 8), "stretch").to_photo(cells)
    np.testing.assert_allclose(back[0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_an_exif_rotated_photo_comes_back_upright(tmp_path: Path) -> None:
    stored = ramp(60, 100)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    image = read(tmp_path / "turned.png")
    np.testing.assert_array_equal(image, np.rot90(stored, -1))


# --- preprocessing ----------------------------------------------------------------------------


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


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.full((4, 6), 255 * 257, dtype=np.uint16))
    else:
        picture = Image.new("RGBA", (6, 4), "white").convert(mode)
    path = tmp_path / ("p.tif" if mode == "CMYK" else "p.png")
    picture.save(path)
    image = read(path)
    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8
    assert image.min() >= 254


def test_16_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read(tmp_path / "deep.png")[0, :, 0], [0, 100, 255])


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 51)).save(tmp_path / "clear.png")
    np.testing.assert_allclose(read(tmp_path / "clear.png")[0, 0], [255, 204, 204], atol=1)


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 20000 x 20000."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IEND\xaeB`\x82"


def cut(kind: str) -> bytes:
    """The first half of a real picture file."""
    from io import BytesIO

    buffer = BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


BROKEN = {
    "empty": (b"", "empty"),
    "text": (b"I am no picture.\n" * 9, "not a picture"),
    "cut.jpg": (cut("JPEG"), "broken or cut off"),
    "cut.png": (cut("PNG"), "broken or cut off"),
    "cut.gif": (cut("GIF"), "broken or cut off"),
    "bomb": (bomb(), "million pixels"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_picture_is_refused(name: str, tmp_path: Path) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "gone.png")
    with pytest.raises(InputError, match="not a file"):
        read(tmp_path)


# --- the card ---------------------------------------------------------------------------------


def test_a_card_of_a_zero_map_shows_the_photo_itself() -> None:
    image = ramp(448, 448)
    placement = place((448, 448), (224, 224), "crop", margin=256 / 224)
    page = card(image, np.zeros((7, 7)), placement, title="dog", reason="the gradient is zero")
    unit = 12
    photo = page[unit : unit + 448, unit : unit + 448]
    np.testing.assert_array_equal(photo[:380], image[:380])  # not dimmed, not blue
    assert (photo[400:] != image[400:]).any()  # the reason's strip


def test_a_card_dims_the_margin_and_paints_the_rest() -> None:
    image = ramp(448, 896)
    placement = place((448, 896), (224, 224), "crop")
    page = card(image, np.eye(7), placement, title="dog", lines=["class 1"], limits=(0, 2.5))
    unit = round(896 / 36)
    photo = page[unit : unit + 448, unit : unit + 896].astype(int)
    assert (photo[:, :200].sum(axis=2) < 0.6 * image[:, :200].astype(int).sum(axis=2) + 3).all()
    np.testing.assert_array_equal(photo[:, 224:672], overlay(image[:, 224:672], seen_heat()))


def seen_heat() -> Array:
    """The identity [7, 7] at [448, 448], interpolated cell by cell with loops over one axis."""
    at = np.clip((np.arange(448) + 0.5) * 7 / 448 - 0.5, 0, 6)
    hat = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(7)))  # [448, 7]
    return (hat @ np.eye(7) @ hat.T).astype(np.float32)


def test_a_flat_map_is_not_called_zero() -> None:
    image = ramp(448, 448)
    placement = place((448, 448), (224, 224), "stretch")
    zero = card(image, np.zeros((1, 1)), placement, title="dog", limits=(0, 0))
    flat = card(image, np.zeros((1, 1)), placement, title="dog", limits=(0.5, 0.5))
    assert zero.shape == flat.shape
    assert (zero != flat)[400:460].any()  # another sentence on the strip
    np.testing.assert_array_equal(zero[:400], flat[:400])
