"""Pixels as a PNG file."""

from __future__ import annotations

from io import BytesIO

from ..backend import Array


def png(pixels: Array) -> bytes:
    """The bytes of a PNG of pixels uint8 [H, W, 3]."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
