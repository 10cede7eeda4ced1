"""The saved picture: heat over the photo, a colour bar with the raw scale, and what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array

from .colour import blocks, jet, overlay
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
    painted = paint(photo, heatmap, placement) if lit else photo.copy()
    unit = max(12, round(max(height, width) / 36))
    page = page_of(unit)
    bar = page.bar_width(limits) if lit else 0
    body = [*lines, *([f"Note: {reason}"] if reason and lit else [])]
    total = max(width + bar, unit * 22)
    printed = page.paragraphs(title, body, total)
    text = sum(step for *_, step in printed)
    canvas = np.full((height + text + 3 * unit, total + 2 * unit, 3), PAPER[0], np.uint8)
    left = unit + (total - bar - width) // 2
    if not lit:
        with drawing_on(painted) as strip:
            page.draw_reason(strip, (0, 0, width, height), reason or plain_reason(limits))
    canvas[unit : unit + height, left : left + width] = painted
    if lit:
        with drawing_on(canvas[:, left + width :]) as strip:
            page.draw_bar(strip, (unit, unit), height, limits)
    with drawing_on(canvas[unit + height :]) as strip:
        page.draw_text(strip, printed, (unit, unit))
    return canvas


@contextmanager
def drawing_on(pixels: Array) -> Iterator[Image]:
    """A part of the page as a picture to draw on; the rest is never copied."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    yield picture
    pixels[:] = np.asarray(picture)


def enlarge(image: Array) -> Array:
    """The photo at a size that is good to look at; tiny ones keep their square pixels.

    Large ones are shrunk by pillow's filter for that, which takes half of LANCZOS's time.
    """
    from PIL import Image

    longer = max(image.shape[:2])
    factor = max(SHORTEST / longer, 1) if longer < LONGEST else LONGEST / longer
    if factor == 1:
        return image
    height, width = (max(1, round(extent * factor)) for extent in image.shape[:2])
    kind = Image.Resampling.LANCZOS if factor > 1 else Image.Resampling.HAMMING
    kind = Image.Resampling.NEAREST if longer <= 64 else kind
    return np.array(Image.fromarray(image).resize((width, height), kind))


def paint(photo: Array, heatmap: Array, placement: Placement) -> Array:
    """Heat where the model looked; the margin it never saw goes grey and dark."""
    size = photo.shape[:2]
    rows, columns = placement.seen(size)
    heat = placement.to_photo(heatmap.astype(np.float32), size)
    painted = np.empty_like(photo)
    painted[rows, columns] = overlay(photo[rows, columns], heat[rows, columns])
    above, below = slice(rows.start), slice(rows.stop, None)
    left, right = slice(columns.start), slice(columns.stop, None)
    for margin in ((above,), (below,), (rows, left), (rows, right)):
        painted[margin] = dimmed(photo[margin])
    return painted


def dimmed(photo: Array) -> Array:
    """Half as bright, and two thirds of the way to grey."""
    half = np.empty_like(photo)
    for rows in blocks(photo):
        part: Array = photo[rows].astype(np.float64)
        grey = (part[..., 0] + part[..., 1] + part[..., 2]) / 3
        part *= 0.35
        part += 0.65 * grey[..., None]
        part *= 0.5
        half[rows] = part
    return half


Line = tuple[str, "FreeTypeFont", tuple[int, int, int], int]
"""What is printed, its face, its colour and its height."""


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
