"""The saved picture: heat over the photo, a colour bar with the raw scale, and what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array

from .colour import jet, overlay
from .place import Placement

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

INK, FAINT, PAPER = (28, 30, 34), (104, 109, 117), (255, 255, 255)
SHORTEST, LONGEST = 448, 1280
"""Pixels of the photo's longer side: smaller photos are enlarged, larger ones shrunk."""


def card(
    image: Array,
    heatmap: Array,
    placement: Placement,
    *,
    title: str,
    lines: Sequence[str] = (),
    limits: tuple[float, float] = (0.0, 1.0),
    reason: str = "",
) -> Array:
    """Draw one explanation, uint8 [H', W', 3].

    A map that is nowhere above zero leaves the photo as it is, with the reason printed on it.

    Args:
        image: the photo, uint8 [H, W, 3].
        heatmap: [h, w] in [0, 1] over the model's whole input.
        placement: where the photo lies in the input; what the model never saw is dimmed.
        title: the class, in large letters.
        lines: score, method, layer and the like.
        limits: the raw values that heatmap 0 and 1 stand for.
        reason: why the map is zero, or what is doubtful about it.
    """
    photo = enlarge(image)
    height, width = photo.shape[:2]
    lit = bool(heatmap.max() > 0)
    painted = paint(photo, heatmap, placement) if lit else photo
    unit = max(12, round(max(height, width) / 36))
    page = Page(unit)
    bar = page.bar_width(limits) if lit else 0
    body = [*lines, *([f"Note: {reason}"] if reason and lit else [])]
    total = max(width + bar, unit * 22)
    text = page.measure(title, body, total)
    canvas = page.blank((total + 2 * unit, height + text + 3 * unit))
    origin = unit + (total - bar - width) // 2, unit
    canvas.paste(page.picture(painted), origin)
    if lit:
        page.draw_bar(canvas, (origin[0] + width + unit, unit), height, limits)
    else:
        page.draw_reason(canvas, (*origin, width, height), reason or plain_reason(limits))
    page.draw_text(canvas, title, body, (unit, height + 2 * unit), total)
    return np.array(canvas)


def enlarge(image: Array) -> Array:
    """The photo at a size that is good to look at; tiny ones keep their square pixels."""
    from PIL import Image

    longer = max(image.shape[:2])
    factor = max(SHORTEST / longer, 1) if longer < LONGEST else LONGEST / longer
    if factor == 1:
        return image
    height, width = (max(1, round(extent * factor)) for extent in image.shape[:2])
    kind = Image.Resampling.NEAREST if longer <= 64 else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(image).resize((width, height), kind))


def paint(photo: Array, heatmap: Array, placement: Placement) -> Array:
    """Heat where the model looked; the margin it never saw goes grey and dark."""
    size = photo.shape[:2]
    rows, columns = placement.seen(size)
    heat = placement.to_photo(heatmap.astype(np.float32), size)
    grey = photo.mean(axis=2, keepdims=True)
    dimmed: Array = (0.5 * (0.35 * photo + 0.65 * grey)).astype(np.uint8)
    dimmed[rows, columns] = overlay(photo[rows, columns], heat[rows, columns])
    return dimmed


class Page:
    """Fonts and measures of one card, all in one unit."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.large = font("DejaVuSans-Bold.ttf", round(unit * 1.15))
        self.small = font("DejaVuSans.ttf", round(unit * 0.8))

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
        letters = max(8, int(width / max(face.getlength("abcdefghijklmnop0123456789") / 26, 1)))
        return textwrap.wrap(text, letters, break_on_hyphens=False) or [""]

    def paragraphs(
        self, title: str, body: Sequence[str], width: int
    ) -> list[tuple[str, FreeTypeFont, tuple[int, int, int], int]]:
        """Each printed line with its face, colour and height."""
        out = [
            (line, self.large, INK, round(self.unit * 1.6))
            for line in self.wrap(title, self.large, width)
        ]
        for paragraph in body:
            for line in self.wrap(paragraph, self.small, width):
                out.append((line, self.small, FAINT, round(self.unit * 1.25)))
        return out

    def measure(self, title: str, body: Sequence[str], width: int) -> int:
        return sum(height for *_, height in self.paragraphs(title, body, width))

    def draw_text(
        self, canvas: Image, title: str, body: Sequence[str], at: tuple[int, int], width: int
    ) -> None:
        draw, (x, y) = self.draw(canvas), at
        for line, face, colour, height in self.paragraphs(title, body, width):
            draw.text((x, y), line, font=face, fill=colour)
            y += height

    def bar_width(self, limits: tuple[float, float]) -> int:
        """Gap, bar, tick and the longest label."""
        labels = max(self.small.getlength(label) for _, label in ticks(limits))
        return round(self.unit * 2.6 + labels)

    def draw_bar(
        self, canvas: Image, at: tuple[int, int], height: int, limits: tuple[float, float]
    ) -> None:
        """The colour bar, raw maximum on top."""
        draw, (x, top), width = self.draw(canvas), at, self.unit
        ramp = jet(np.linspace(1, 0, height, dtype=np.float32))  # [height, 3]
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


def plain_reason(limits: tuple[float, float]) -> str:
    """Why nothing is lit, where nobody said."""
    if limits[1] > 0:
        return f"The map is {limits[1]:.3g} everywhere: no place stands out."
    return "The map is zero everywhere."


def ticks(limits: tuple[float, float]) -> list[tuple[float, str]]:
    """Height in [0, 1] and label of the marks on the bar: the ends and the middle."""
    low, high = limits
    return [(f, f"{low + f * (high - low):.3g}") for f in (0.0, 0.5, 1.0)]


def font(name: str, size: int) -> FreeTypeFont:
    """One of the faces that matplotlib brings along."""
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)
