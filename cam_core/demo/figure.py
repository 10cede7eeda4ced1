"""The scene and its heatmaps side by side, on one colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..backend import Array
from ..image import jet
from ..image.figure import enlarge
from ..image.page import FAINT, INK, Page
from .data import Thing

if TYPE_CHECKING:
    from PIL.Image import Image

SHADE, LIGHT = (20, 22, 26), (255, 255, 255)


@dataclass(frozen=True)
class Panel:
    """One heatmap over the scene."""

    title: str
    line: str
    """Small print under the title."""
    heat: Array
    """[H, W] in [0, 1], the size of the scene."""
    thing: Thing
    peak: tuple[float, float]
    """x and y of the maximum, in the scene's pixels."""


def side_by_side(
    image: Array,
    panels: Sequence[Panel],
    *,
    title: str,
    line: str,
    limits: tuple[float, float],
    footer: str,
) -> Array:
    """Draw the scene [H, W, 3] and its heatmaps, uint8 [H', W', 3]; `limits` label the colours."""
    photo = enlarge(image)
    height, width = photo.shape[:2]
    page = Page(max(12, round(width / 25)))
    unit = page.unit
    head, foot = round(3.3 * unit), round(1.9 * unit)
    across = (len(panels) + 1) * (width + unit) - unit + page.bar_width(limits)
    canvas = page.blank((across + 2 * unit, height + head + foot + unit))
    shown: list[tuple[str, str, Array, Panel | None]] = [(title, line, photo, None)]
    shown += [(p.title, p.line, paint(photo, p.heat), p) for p in panels]
    for column, (heading, small, pixels, panel) in enumerate(shown):
        x = unit + column * (width + unit)
        draw = page.draw(canvas)
        draw.text((x, round(1.75 * unit)), heading, font=page.large, fill=INK, anchor="ls")
        draw.text((x, round(2.9 * unit)), small, font=page.small, fill=FAINT, anchor="ls")
        canvas.paste(page.picture(pixels), (x, head))
        if panel is not None:
            mark(page, canvas, panel, (x, head), width / image.shape[1])
    right = unit + len(shown) * (width + unit) - unit
    page.draw_bar(canvas, (right + unit // 2, head), height, limits)
    ramp = np.repeat(np.linspace(1, 0, height)[:, None], unit, axis=1)
    canvas.paste(
        page.picture(glow(np.full((*ramp.shape, 3), 205.0), ramp)), (right + unit // 2, head)
    )
    at = (unit, head + height + round(1.35 * unit))
    page.draw(canvas).text(at, footer, font=page.small, fill=FAINT, anchor="ls")
    return np.array(canvas)


def paint(photo: Array, heat: Array) -> Array:
    """Heat [h, w] in [0, 1] glowing on the enlarged photo, which goes pale and almost grey."""
    from PIL import Image as Pictures

    size = photo.shape[1], photo.shape[0]
    larger = Pictures.fromarray(heat.astype(np.float32)).resize(size, Pictures.Resampling.BILINEAR)
    grey = photo.mean(axis=2, keepdims=True)
    return glow(76 + 0.68 * (0.75 * grey + 0.25 * photo), np.asarray(larger))


def glow(under: Array, heat: Array) -> Array:
    """Jet over a picture [H, W, 3], the more the hotter, uint8; what is cold stays clear."""
    rise = np.clip(heat / 0.45, 0, 1)[..., None]
    share = 0.6 * rise**2 * (3 - 2 * rise)
    blend: Array = (under + share * (jet(heat) - under)).astype(np.uint8)
    return blend


def mark(page: Page, canvas: Image, panel: Panel, corner: tuple[int, int], factor: float) -> None:
    """The object's box, and a cross at the peak, white on a dark rim."""
    draw = page.draw(canvas)
    left, top, right, bottom = (factor * side for side in panel.thing.box)
    x, y = corner
    frame = (x + left, y + top, x + right, y + bottom)
    px, py = x + factor * panel.peak[0], y + factor * panel.peak[1]
    arm = 0.55 * page.unit
    for colour, width in ((SHADE, 4), (LIGHT, 2)):
        draw.rounded_rectangle(frame, radius=0.4 * page.unit, outline=colour, width=width)
        draw.line([(px - arm, py), (px + arm, py)], fill=colour, width=width)
        draw.line([(px, py - arm), (px, py + arm)], fill=colour, width=width)
