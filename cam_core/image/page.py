"""The letters, lines and bars of a card, all in one unit."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array

from .colour import jet

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

INK, FAINT, PAPER = (28, 30, 34), (104, 109, 117), (255, 255, 255)

Colours = Callable[[Array], Array]
"""[n] in [0, 1] -> uint8 [n, 3]"""
Line = tuple[str, "FreeTypeFont", tuple[int, int, int], int]
"""What is printed, its face, its colour and its height."""


def unit_of(longer: int) -> int:
    """What suits a picture whose longer side has so many pixels."""
    return max(12, round(longer / 36))


@cache
def page_of(unit: int) -> Page:
    """Made once: fonts take their time."""
    return Page(unit)


class Page:
    """Fonts and measures of one card, all in one unit."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.large = font("DejaVuSans-Bold.ttf", round(unit * 1.15))
        self.small = font("DejaVuSans.ttf", round(unit * 0.8))
        self.letter = {  # the width of a usual one
            face: max(face.getlength("abcdefghijklmnop0123456789") / 26, 1)
            for face in (self.large, self.small)
        }

    def blank(self, size: tuple[int, int]) -> Image:
        from PIL import Image

        return Image.new("RGB", size, PAPER)

    def picture(self, pixels: Array) -> Image:
        from PIL import Image

        return Image.fromarray(pixels)

    def draw(self, canvas: Image) -> ImageDraw:
        from PIL import ImageDraw

        return ImageDraw.Draw(canvas)

    def wrap(self, text: str, face: FreeTypeFont, width: int) -> list[str]:
        """Break at spaces, and inside words that are longer than a line (layer names are)."""
        letters = max(8, int(width / self.letter[face]))
        return textwrap.wrap(text, letters, break_on_hyphens=False) or [""]

    def paragraphs(self, title: str, body: Sequence[str], width: int) -> list[Line]:
        """What is printed, line by line."""
        out = [
            (line, self.large, INK, round(self.unit * 1.6))
            for line in self.wrap(title, self.large, width)
        ]
        for paragraph in body:
            for line in self.wrap(paragraph, self.small, width):
                out.append((line, self.small, FAINT, round(self.unit * 1.25)))
        return out

    def draw_text(self, canvas: Image, lines: Sequence[Line], at: tuple[int, int]) -> None:
        draw, (x, y) = self.draw(canvas), at
        for line, face, colour, height in lines:
            draw.text((x, y), line, font=face, fill=colour)
            y += height

    def bar_width(self, limits: tuple[float, float]) -> int:
        """Gap, bar, tick and the longest label."""
        labels = max(self.small.getlength(label) for _, label in ticks(limits))
        return round(self.unit * 2.6 + labels)

    def draw_bar(
        self,
        canvas: Image,
        at: tuple[int, int],
        height: int,
        limits: tuple[float, float],
        colours: Colours = jet,
    ) -> None:
        """The colour bar, raw maximum on top."""
        draw, (x, top), width = self.draw(canvas), at, self.unit
        ramp = colours(np.linspace(1, 0, height, dtype=np.float32))  # [height, 3]
        canvas.paste(self.picture(np.repeat(ramp[:, None], width, axis=1)), at)
        for fraction, label in ticks(limits):
            y = top + round((1 - fraction) * (height - 1))
            draw.line([(x + width, y), (x + width + self.unit // 4, y)], fill=FAINT)
            anchor = {0.0: "ls", 1.0: "lt"}.get(fraction, "lm")
            draw.text(
                (x + width + self.unit // 2, y), label, font=self.small, fill=INK, anchor=anchor
            )

    def draw_reason(self, canvas: Image, box: tuple[int, int, int, int], reason: str) -> None:
        """Print the reason on a strip across the photo's lower edge."""
        from PIL import Image

        x, y, width, height = box
        inside = self.unit // 2
        lines = self.wrap(reason, self.small, width - 2 * inside)
        step = round(self.unit * 1.25)
        strip = min(height, len(lines) * step + 2 * inside)
        top = y + height - strip
        photo = canvas.crop((x, top, x + width, y + height))
        canvas.paste(Image.blend(photo, Image.new("RGB", photo.size, INK), 0.82), (x, top))
        draw = self.draw(canvas)
        for row, line in enumerate(lines):
            draw.text((x + inside, top + inside + row * step), line, font=self.small, fill=PAPER)


def ticks(limits: tuple[float, float]) -> list[tuple[float, str]]:
    """Height in [0, 1] and label of the marks on the bar: the ends and the middle."""
    low, high = limits
    return [(f, f"{low + f * (high - low):.3g}") for f in (0.0, 0.5, 1.0)]


def font(name: str, size: int) -> FreeTypeFont:
    """One of the faces that matplotlib brings along; found without loading it, which takes long."""
    from PIL import ImageFont

    inside = Path("mpl-data", "fonts", "ttf", name)
    found = find_spec("matplotlib")
    places = () if found is None else found.submodule_search_locations or ()
    file = next((Path(p) / inside for p in places if (Path(p) / inside).is_file()), None)
    if file is None:
        import matplotlib as mpl

        file = Path(mpl.get_data_path(), *inside.parts[1:])
    return ImageFont.truetype(str(file), size)
