"""Draws lines of capital letters, as a camera might see them: any size, a little grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cam_core.image.page import font
from examples.demo.scenes import noise

HIGH, WIDE = 32, 160
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = ("<blank>", *LETTERS)
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf")
SHORTEST, LONGEST = 3, 7


@dataclass(frozen=True, eq=False)
class Line:
    """A picture, and what stands where."""

    pixels: NDArray[np.uint8]
    """Grey [HIGH, WIDE]."""
    text: str
    spans: tuple[tuple[float, float], ...]
    """Left and right of each letter in pixels."""


def line(seed: int, text: str | None = None) -> Line:
    """Letters drawn by lot where no text is given."""
    rng = np.random.default_rng(seed)
    if text is None:
        count = rng.integers(SHORTEST, LONGEST + 1)
        text = "".join(LETTERS[i] for i in rng.integers(len(LETTERS), size=count))
    face = font(FACES[rng.integers(len(FACES))], int(rng.integers(16, 23)))
    gap = rng.uniform(1, 4)
    widths = [face.getlength(letter) + gap for letter in text]
    x, y = rng.uniform(3, max(4.0, WIDE - 3 - sum(widths))), rng.uniform(1, 7)
    paper, ink = rng.uniform(150, 250), rng.uniform(0, 70)
    picture = Image.new("L", (WIDE, HIGH), int(paper))
    draw, spans = ImageDraw.Draw(picture), []
    for letter, width in zip(text, widths, strict=True):
        draw.text((x, y), letter, font=face, fill=int(ink))
        spans.append((x, x + width - gap))
        x += width
    shade = 40 * (noise(rng, WIDE, 4) - 0.5)[:HIGH] + rng.normal(0, 6, (HIGH, WIDE))
    pixels = np.asarray(picture) + shade
    if rng.random() < 0.3:
        pixels = 255 - pixels
    return Line(np.clip(pixels, 0, 255).round().astype(np.uint8), text, tuple(spans))


def numbers(text: str) -> list[int]:
    """Classes of the letters; 0 is the blank."""
    return [ALPHABET.index(letter) for letter in text]
