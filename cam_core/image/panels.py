"""Pictures of one map side by side, on one scale of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array

from .colour import overlay
from .figure import drawing_on, framed
from .marks import Mark, mark
from .page import FAINT, PAPER, Page, page_of, unit_of

ACROSS = 4
"""Panels in a row."""


@dataclass(frozen=True)
class Panel:
    """One picture with the heat that lies over it."""

    photo: Array
    """uint8 [H, W, 3], as large as it is shown."""
    heat: Array
    """[H, W] in [0, 1]."""
    label: str = ""
    """What is printed beneath it."""
    marks: Sequence[Mark] = ()
    """Boxes in its own pixels, drawn over the heat."""


_NO_HEAT = np.zeros((0, 0), np.float32)


def sheet(
    panels: Sequence[Panel],
    *,
    title: str,
    lines: Sequence[str] = (),
    limits: tuple[float, float] = (0.0, 1.0),
    reason: str = "",
    across: int = ACROSS,
) -> Array:
    """Draw them in rows of `across`, uint8 [H', W', 3]; the words are those of `card`.

    All are painted at once: a colour stands for the same value in each of them.
    """
    lit = any(panel.heat.max() > 0 for panel in panels)
    page = page_of(unit_of(sum(panel.photo.shape[1] for panel in panels[:across])))
    corners, (height, width) = lay_out(panels, page, labels=lit, across=across)
    photo = np.zeros((height, width, 3), np.uint8)
    heat, paper = np.zeros((height, width), np.float32), np.ones((height, width), bool)
    for panel, (y, x) in zip(panels, corners, strict=True):
        part = slice(y, y + panel.photo.shape[0]), slice(x, x + panel.photo.shape[1])
        photo[part], heat[part], paper[part] = panel.photo, panel.heat, False
    painted = overlay(photo, heat) if lit else photo
    painted[paper] = PAPER
    for panel, (y, x) in zip(panels, corners, strict=True):
        part = slice(y, y + panel.photo.shape[0]), slice(x, x + panel.photo.shape[1])
        size = panel.photo.shape[0], panel.photo.shape[1]
        painted[part] = mark(painted[part], panel.marks, size)
    if lit:
        _print_labels(painted, panels, corners, page)
    unit = page.unit if across == 1 else None  # a tall page has letters as small as its panels
    return framed(painted, lit, title=title, lines=lines, limits=limits, reason=reason, unit=unit)


def painted_sheet(
    pictures: Sequence[tuple[Array, str]],
    *,
    title: str,
    lines: Sequence[str] = (),
    limits: tuple[float, float] | None = (0.0, 1.0),
    across: int = ACROSS,
) -> Array:
    """Pictures that are painted already, each over its label, in rows of `across`.

    Args:
        pictures: (uint8 [H, W, 3], what is printed beneath).
        title: in large letters.
        lines: the small print.
        limits: what the ends of the colour bar stand for; None: no bar.
        across: pictures in a row.
    """
    panels = [Panel(pixels, _NO_HEAT, label) for pixels, label in pictures]
    # letters that grew with the row would soon be larger than the pictures they name
    page = page_of(unit_of(sum(panel.photo.shape[1] for panel in panels[: min(across, ACROSS)])))
    corners, (height, width) = lay_out(panels, page, labels=True, across=across)
    painted = np.full((height, width, 3), PAPER, np.uint8)
    for panel, (y, x) in zip(panels, corners, strict=True):
        painted[y : y + panel.photo.shape[0], x : x + panel.photo.shape[1]] = panel.photo
    _print_labels(painted, panels, corners, page)
    return framed(painted, True, title=title, lines=lines, limits=limits, reason="", unit=page.unit)


def _print_labels(
    painted: Array, panels: Sequence[Panel], corners: Sequence[tuple[int, int]], page: Page
) -> None:
    with drawing_on(painted) as picture:
        draw = page.draw(picture)
        for panel, (y, x) in zip(panels, corners, strict=True):
            at = x, y + panel.photo.shape[0] + page.unit // 4
            draw.text(at, panel.label, font=page.small, fill=FAINT)


def lay_out(
    panels: Sequence[Panel], page: Page, *, labels: bool, across: int = ACROSS
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Top and left of each panel, in columns, and the height and width of them all."""
    wide = [label_width(panel, page) if labels else 0 for panel in panels]
    wide = [max(panel.photo.shape[1], label) for panel, label in zip(panels, wide, strict=True)]
    columns = [max(wide[column::across]) for column in range(min(across, len(panels)))]
    left = [sum(columns[:column]) + column * page.unit for column in range(len(columns))]
    corners: list[tuple[int, int]] = []
    y = 0
    for first in range(0, len(panels), across):
        row = panels[first : first + across]
        y += page.unit if first else 0
        corners += [(y, x) for x in left[: len(row)]]
        y += max(panel.photo.shape[0] for panel in row)
        y += round(1.5 * page.unit) if labels and any(panel.label for panel in row) else 0
    return corners, (y, left[-1] + columns[-1])


def label_width(panel: Panel, page: Page) -> int:
    """Pixels of what is printed beneath it."""
    return round(page.small.getlength(panel.label))
