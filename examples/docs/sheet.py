"""Lays out panels of a picture of the documentation, each under what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from cam_core.image.page import FAINT, INK, PAPER, font

GAP, LEVEL = 12, 8
ASKED, SAID = "DejaVuSansMono-Bold.ttf", "DejaVuSans.ttf"
LETTERS = (14, 12)
"""Pixels of what was asked, and of what came out."""
HEAD = 38


@dataclass(frozen=True)
class Panel:
    """A picture, what was asked, and what came out in a few words."""

    picture: Image.Image
    asked: str
    said: str
    width: int
    """Pixels of the panel."""

    @property
    def height(self) -> int:
        """With its words."""
        return HEAD + round(self.picture.height * self.width / self.picture.width)


def laid_out(rows: Sequence[Sequence[Panel]]) -> Image.Image:
    """Row under row."""
    width = max(sum(panel.width + GAP for panel in row) for row in rows) - GAP
    height = sum(max(panel.height for panel in row) + GAP for row in rows) - GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    y = 0
    for row in rows:
        x = 0
        for panel in row:
            sheet.paste(drawn(panel), (x, y))
            x += panel.width + GAP
        y += max(panel.height for panel in row) + GAP
    return sheet


def drawn(panel: Panel) -> Image.Image:
    """One panel: two lines, and the picture."""
    page = Image.new("RGB", (panel.width, panel.height), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((0, 0), panel.asked, font=fitting(ASKED, panel.asked, LETTERS[0], panel), fill=INK)
    draw.text((0, 18), panel.said, font=fitting(SAID, panel.said, LETTERS[1], panel), fill=FAINT)
    size = (panel.width, panel.height - HEAD)
    page.paste(panel.picture.resize(size, Image.Resampling.LANCZOS), (0, HEAD))
    return page


def fitting(face: str, text: str, size: int, panel: Panel) -> FreeTypeFont:
    """The face at that size, smaller where the text is wider than the panel."""
    while font(face, size).getlength(text) > panel.width:
        size -= 1
    return font(face, size)


def save(sheet: Image.Image, path: Path) -> None:
    """In few levels of each colour, so that it is small."""
    path.parent.mkdir(exist_ok=True)
    half = LEVEL // 2
    few = sheet.point(lambda level: min(255, (level + half) // LEVEL * LEVEL))
    few.save(path, optimize=True)
    print(f"{path}: {sheet.width}x{sheet.height}, {path.stat().st_size / 1000:.0f} kB")
