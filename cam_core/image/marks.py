"""What is drawn on a photo besides heat: boxes with their names."""

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


def mark(painted: Array, marks: Sequence[Mark], photo: tuple[int, int]) -> Array:
    """A picture uint8 [H, W, 3] of a photo of that height and width, with the boxes on it."""
    from PIL import Image

    if not marks:
        return painted
    height, width = painted.shape[:2]
    across, down = width / photo[1], height / photo[0]
    page = page_of(unit_of(max(height, width)))
    picture = Image.fromarray(np.ascontiguousarray(painted))
    draw = page.draw(picture)
    for one in marks:
        x0, y0, x1, y1 = one.corners
        box = [x0 * across, y0 * down, x1 * across, y1 * down]
        box = [min(max(v, 0), end - 1) for v, end in zip(box, (width, height) * 2, strict=True)]
        _frame(draw, page, one, box)
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
