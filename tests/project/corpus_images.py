"""Pictures for the robustness corpus: odd ones that must work, and broken ones.

`GOOD` and `BAD` map a name to a function of a random generator that gives the file's bytes; the
broken ones must end in one line, and those of `EITHER` may do as they like, quickly.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[[np.random.Generator], bytes]


def picture(rng: np.random.Generator, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Any:
    pixels = rng.integers(0, 256, size=(size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encode(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep(rng: np.random.Generator) -> Any:
    return Image.fromarray(rng.integers(0, 65536, size=(30, 40), dtype=np.uint16))


def animated(kind: str) -> Make:
    return lambda rng: encode(
        picture(rng), kind, save_all=True, append_images=[picture(rng) for _ in range(3)]
    )


def turned(rng: np.random.Generator) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(picture(rng), "JPEG", exif=exif)


def exif_broken(rng: np.random.Generator) -> bytes:
    return encode(picture(rng), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff" + rng.bytes(40))


GOOD: dict[str, Make] = {
    "png": lambda rng: encode(picture(rng), "PNG"),
    "jpeg": lambda rng: encode(picture(rng), "JPEG"),
    "grey.png": lambda rng: encode(picture(rng, "L"), "PNG"),
    "grey.jpeg": lambda rng: encode(picture(rng, "L"), "JPEG"),
    "one bit.png": lambda rng: encode(picture(rng, "1"), "PNG"),
    "palette.png": lambda rng: encode(picture(rng, "P"), "PNG", transparency=3),
    "alpha.png": lambda rng: encode(picture(rng, "RGBA"), "PNG"),
    "grey and alpha.png": lambda rng: encode(picture(rng, "LA"), "PNG"),
    "deep.png": lambda rng: encode(deep(rng), "PNG"),
    "deep.tiff": lambda rng: encode(deep(rng), "TIFF"),
    "cmyk.jpeg": lambda rng: encode(picture(rng, "CMYK"), "JPEG"),
    "cmyk.tiff": lambda rng: encode(picture(rng, "CMYK"), "TIFF"),
    "lab.tiff": lambda rng: encode(picture(rng, "LAB"), "TIFF"),
    "progressive.jpeg": lambda rng: encode(picture(rng), "JPEG", progressive=True),
    "animated.gif": animated("GIF"),
    "animated.png": animated("PNG"),
    "animated.webp": animated("WEBP"),
    "pages.tiff": animated("TIFF"),
    "bmp": lambda rng: encode(picture(rng), "BMP"),
    "turned.jpeg": turned,
    "one pixel.png": lambda rng: encode(picture(rng, size=(1, 1)), "PNG"),
    "thread.png": lambda rng: encode(picture(rng, size=(3000, 1)), "PNG"),
    "pole.png": lambda rng: encode(picture(rng, size=(1, 3000)), "PNG"),
    "one grey.png": lambda rng: encode(Image.new("RGB", (30, 30), "grey"), "PNG"),
    "garbage after the end.png": lambda rng: encode(picture(rng), "PNG") + rng.bytes(500),
}


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    found = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def png(width: int, height: int, *parts: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts)


END = chunk(b"IEND", b"")


def chunks(data: bytes) -> list[bytes]:
    """The chunks of a .png file, the signature left out."""
    found, at = [], 8
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0] + 12
        found.append(data[at : at + size])
        at += size
    return found


def bomb(width: int, height: int) -> bytes:
    rows = zlib.compress(bytes(min(width * height * 3, 30_000_000)), 9)
    return png(width, height, chunk(b"IDAT", rows), END)


def text_bomb(rng: np.random.Generator) -> bytes:
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    own = chunks(encode(picture(rng), "PNG"))
    return b"\x89PNG\r\n\x1a\n" + own[0] + text + b"".join(own[1:])


def without(kind: bytes) -> Make:
    def make(rng: np.random.Generator) -> bytes:
        own = chunks(encode(picture(rng), "PNG"))
        return b"\x89PNG\r\n\x1a\n" + b"".join(c for c in own if c[4:8] != kind)

    return make


def jpeg_extent(high: int, wide: int) -> Make:
    """A JPEG whose header claims another size."""

    def make(rng: np.random.Generator) -> bytes:
        data = bytearray(encode(picture(rng), "JPEG"))
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", high, wide)
        return bytes(data)

    return make


BAD: dict[str, Make] = {
    "empty.png": lambda rng: b"",
    "noise.png": lambda rng: rng.bytes(4000),
    "text.jpg": lambda rng: b"<html>404 Not Found</html>",
    "signature alone.png": lambda rng: b"\x89PNG\r\n\x1a\n",
    "start alone.jpg": lambda rng: b"\xff\xd8\xff",
    "0x0.png": lambda rng: png(0, 0, chunk(b"IDAT", zlib.compress(b"")), END),
    "0x9.png": lambda rng: png(0, 9, chunk(b"IDAT", zlib.compress(b"")), END),
    "0x0.gif": lambda rng: b"GIF89a\0\0\0\0\0\0\0;",
    "0x0.bmp": lambda rng: b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, *[0] * 10),
    "bomb.png": lambda rng: bomb(30_000, 30_000),
    "large bomb.png": lambda rng: bomb(2**31 - 1, 2**31 - 1),
    "long bomb.png": lambda rng: bomb(2**31 - 1, 1),
    "bomb just allowed.png": lambda rng: bomb(9_000, 9_900),
    "bomb.gif": lambda rng: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;",
    "bomb.jpg": jpeg_extent(65500, 65500),
    "no header.png": without(b"IHDR"),
    "no pixels.png": without(b"IDAT"),
    "bad checksum.png": lambda rng: png(9, 9, chunk(b"IDAT", zlib.compress(b""), crc=1), END),
    "bad zlib.png": lambda rng: png(9, 9, chunk(b"IDAT", b"\x78\x9c" + rng.bytes(50)), END),
    "few rows.png": lambda rng: png(40, 30, chunk(b"IDAT", zlib.compress(bytes(300))), END),
    "depth 3.png": lambda rng: png(9, 9, chunk(b"IDAT", zlib.compress(bytes(999))), END, depth=3),
    "colour 9.png": lambda rng: png(9, 9, chunk(b"IDAT", zlib.compress(bytes(999))), END, colour=9),
    "0 pixels wide.jpg": jpeg_extent(30, 0),
    "script.eps": lambda rng: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "nan.tiff": lambda rng: encode(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF"),
    "negative.tiff": lambda rng: encode(Image.fromarray(np.full((9, 9), -1, np.int32)), "TIFF"),
}


def cut(kind: str) -> Make:
    """Cut well before the end, so that no decoder may take it for whole."""

    def make(rng: np.random.Generator) -> bytes:
        data = encode(picture(rng, size=(90, 70)), kind)
        return data[: int(rng.integers(len(data) * 3 // 4))]

    return make


def flipped(kind: str, count: int) -> Make:
    def make(rng: np.random.Generator) -> bytes:
        return flip_bits(encode(picture(rng), kind), rng, count)

    return make


def flip_bits(data: bytes, rng: np.random.Generator, count: int) -> bytes:
    """Half of the bits in the first tenth, where the structure lies."""
    array = np.frombuffer(data, np.uint8).copy()
    for i in range(count):
        within = len(array) if i % 2 else max(len(array) // 10, 1)
        array[int(rng.integers(within))] ^= 1 << int(rng.integers(8))
    return array.tobytes()


EITHER: dict[str, Make] = {"exif broken.jpg": exif_broken, "text bomb.png": text_bomb}
EITHER |= {f"claims {h}x{w}.jpg": jpeg_extent(h, w) for h, w in ((0, 40), (31, 40), (9000, 9000))}
for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
    for seed in range(5 if kind in ("PNG", "JPEG") else 2):
        suffix = f"{seed}.{kind.lower()}"
        EITHER[f"cut {suffix}"] = cut(kind)
        for count in (1, 9, 60):
            EITHER[f"{count} bits {suffix}"] = flipped(kind, count)
