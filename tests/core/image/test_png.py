"""A PNG read back by its specification (chunks, zlib, five filters), and by another reader."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cam_core.image.png import png


def decoded(data: bytes) -> np.ndarray:
    """The pixels of a PNG of eight bits and three channels, not interlaced."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, head = 8, b"", b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        head, packed = (body if kind == b"IHDR" else head), packed + body * (kind == b"IDAT")
        at += 12 + size
    width, height, *form = struct.unpack(">IIBBBBB", head)
    assert form == [8, 2, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 3 * width)
    found = np.zeros((height + 1, 3 + 3 * width), int)  # a row and a pixel of zeros around
    for y, (kind, *line) in enumerate(lines.tolist(), start=1):
        for x, value in enumerate(line, start=3):
            a, b, c = found[y, x - 3], found[y - 1, x], found[y - 1, x - 3]
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            found[y, x] = (value + (0, a, b, (a + b) // 2, nearest)[kind]) % 256
    return found[1:, 3:].reshape(height, width, 3)


def test_the_pixels_come_back(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    smooth = np.add.outer(np.arange(9) * 20, np.arange(6) * 9)[..., None] + [0, 3, 30]
    for pixels in (noise, smooth.astype(np.uint8), np.zeros((1, 1, 3), np.uint8)):
        np.testing.assert_array_equal(decoded(png(pixels)), pixels)


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
