"""What is drawn on a photo besides heat: boxes with their names, the outlines of regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array

from .page import INK, PAPER, page_of, unit_of

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from .page import Page


@dataclass(frozen=True)
class Mark:
    """A box on a photo."""

    corners: tuple[float, ...]
    """x0, y0, x1, y1 in pixels of the photo."""
    label: str = ""
    colour: tuple[int, int, int] = PAPER


@dataclass(frozen=True, eq=False)
class Outline:
    """The edge of a region of a photo."""

    region: Array
    """bool [H, W] of the photo, at any size."""
    colour: tuple[int, int, int] = PAPER


def mark(painted: Array, marks: Sequence[Mark | Outline], photo: tuple[int, int]) -> Array:
    """A picture uint8 [H, W, 3] of a photo of that height and width, with the marks on it."""
    from PIL import Image

    for one in marks:
        painted = outlined(painted, one) if isinstance(one, Outline) else painted
    boxes = [one for one in marks if isinstance(one, Mark)]
    if not boxes:
        return painted
    height, width = painted.shape[:2]
    across, down = width / photo[1], height / photo[0]
    page = page_of(unit_of(max(height, width)))
    picture = Image.fromarray(np.ascontiguousarray(painted))
    draw = page.draw(picture)
    for shown in boxes:
        x0, y0, x1, y1 = shown.corners
        box = [x0 * across, y0 * down, x1 * across, y1 * down]
        box = [min(max(v, 0), end - 1) for v, end in zip(box, (width, height) * 2, strict=True)]
        _frame(draw, page, shown, box)
    return np.array(picture)  # of its own: more is drawn on it


def _frame(draw: ImageDraw, page: Page, one: Mark, box: Sequence[float]) -> None:
    """A light line on a dark one: seen on any ground; its label inside the upper left corner."""
    line = max(2, page.unit // 6)
    draw.rectangle(list(box), outline=INK, width=line + 2)
    inner = [box[0] + 1, box[1] + 1, max(box[2] - 1, box[0] + 1), max(box[3] - 1, box[1] + 1)]
    draw.rectangle(inner, outline=one.colour, width=line)
    if not one.label:
        return
    corner = (box[0] + line + 1, box[1] + line + 1)
    draw.rectangle(draw.textbbox(corner, one.label, font=page.small), fill=INK)
    draw.text(corner, one.label, font=page.small, fill=one.colour)


def outlined(painted: Array, outline: Outline) -> Array:
    """A light line inside the region's edge and a dark one outside: seen on any ground."""
    size = painted.shape[:2]
    rows, columns = (
        (np.arange(n) * have) // n for n, have in zip(size, outline.region.shape, strict=True)
    )
    region = outline.region[np.ix_(rows, columns)]
    line = max(2, unit_of(max(size)) // 6)
    inner, outer = ~grown(~region, line), grown(region, max(1, line // 2))
    found = painted.copy()
    found[outer & ~region] = INK
    found[region & ~inner] = outline.colour
    return found


def grown(region: Array, steps: int) -> Array:
    """With all neighbours (of four) so many steps on; what lies beyond the picture is none."""
    for _ in range(steps):
        padded = np.pad(region, 1)
        region = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1]
        region |= padded[1:-1, :-2] | padded[1:-1, 2:]
    return region
