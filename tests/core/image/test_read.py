"""Every kind of picture becomes upright RGB pixels; what is none is refused in a line."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cam_core.errors import InputError
from cam_core.image import read
from cam_core.image.read import decode


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


def test_the_content_of_a_file_is_the_file(tmp_path: Path) -> None:
    """What lies elsewhere is refused in the same words, by the name that it has there."""
    path = tmp_path / "p.png"
    Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3)).save(path)
    content = path.read_bytes()
    np.testing.assert_array_equal(decode(content, "s3://a/p.png"), read(path))
    cases = {b"": "the file is empty", b"x": "not a picture", content[:45]: "broken or cut off"}
    for broken, said in cases.items():
        with pytest.raises(InputError, match=f"image 's3://a/p.png': .*{said}"):
            decode(broken, "s3://a/p.png")
