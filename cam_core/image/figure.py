"""The saved picture: heat over the photo, a colour bar with the raw scale, and what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from cam_core.backend import Array

from .colour import blocks, jet, overlay
from .marks import Mark, Outline, mark
from .page import PAPER, Colours, page_of, unit_of
from .place import Placement

if TYPE_CHECKING:
    from PIL.Image import Image

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
    marks: Sequence[Mark | Outline] = (),
) -> Array:
    """Draw one explanation, uint8 [H', W', 3].

    A map that is nowhere above zero leaves the photo as it is, with the reason printed on it.

    Args:
        image: the photo, uint8 [H, W, 3].
        heatmap: [h, w] in [0, 1] over the model's whole input.
        placement: where the photo lies in the input; what the model never saw is dimmed.
        title: what was explained, in large letters.
        lines: score, method, layer and the like.
        limits: the raw values that heatmap 0 and 1 stand for.
        reason: why the map is zero, or what is doubtful about it.
        marks: boxes in pixels of the photo, outlines of regions.
    """
    photo = enlarge(image)
    lit = bool(heatmap.max() > 0)
    painted = paint(photo, heatmap, placement) if lit else photo.copy()
    painted = mark(painted, marks, (image.shape[0], image.shape[1]))
    return framed(painted, lit, title=title, lines=lines, limits=limits, reason=reason)


def framed(
    painted: Array,
    lit: bool,
    *,
    title: str,
    lines: Sequence[str],
    limits: tuple[float, float] | None,
    reason: str,
    unit: int | None = None,
    colours: Colours = jet,
) -> Array:
    """What was painted, uint8 [H, W, 3], with its colour bar and words: the whole card.

    Where nothing is lit there is no bar, and the reason is printed on the picture.

    Args:
        limits: of the bar; None is a picture that says its colours itself.
        unit: of the letters; what suits the longer side if None.
        colours: of the bar, from 0 to 1.
    """
    height, width = painted.shape[:2]
    page = page_of(unit_of(max(height, width)) if unit is None else unit)
    unit = page.unit
    bar = page.bar_width(limits) if lit and limits else 0
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
    if lit and limits:
        with drawing_on(canvas[:, left + width :]) as strip:
            page.draw_bar(strip, (unit, unit), height, limits, colours)
    with drawing_on(canvas[unit + height :]) as strip:
        page.draw_text(strip, printed, (unit, unit))
    return canvas


def beside(cards: Sequence[Array]) -> Array:
    """Several cards side by side, uint8 [H, W, 3], their tops in line."""
    height = max(len(card) for card in cards)
    gaps = [((0, height - len(card)), (0, 0), (0, 0)) for card in cards]
    each = zip(cards, gaps, strict=True)
    return np.concatenate([np.pad(c, gap, constant_values=PAPER[0]) for c, gap in each], axis=1)


@contextmanager
def drawing_on(pixels: Array) -> Iterator[Image]:
    """A part of the page as a picture to draw on; the rest is never copied."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    yield picture
    pixels[:] = np.asarray(picture)


def enlarge(image: Array) -> Array:
    """The photo at a size that is good to look at."""
    longer = max(image.shape[:2])
    factor = max(SHORTEST / longer, 1) if longer < LONGEST else LONGEST / longer
    height, width = (max(1, round(extent * factor)) for extent in image.shape[:2])
    return resized(image, (height, width))


def resized(image: Array, size: tuple[int, int]) -> Array:
    """Pixels uint8 [H, W, 3] at another height and width; tiny pictures keep square pixels."""
    from PIL import Image

    if image.shape[:2] == size:
        return image
    kind = Image.Resampling.NEAREST if max(image.shape[:2]) <= 64 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize(size[::-1], kind))


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
    """Half as bright, and two thirds of the way to grey: 0.5 (0.35 p + 0.65 grey)."""
    half = np.empty_like(photo)
    for rows in blocks(photo):
        part = photo[rows].astype(np.uint16)
        total = part[..., 0] + part[..., 1] + part[..., 2]  # 3 grey
        part *= 21
        part += 13 * total[..., None]
        half[rows] = part // 120
    return half


def plain_reason(limits: tuple[float, float] | None) -> str:
    """Why nothing is lit, where nobody said."""
    if limits and limits[1] > 0:
        return f"The map is {limits[1]:.3g} everywhere: no place stands out."
    return "The map is zero everywhere."
