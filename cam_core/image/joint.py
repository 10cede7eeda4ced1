"""Pictures that several explanations of one photo share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cam_core.backend import Array

from .figure import drawing_on, enlarge, framed
from .marks import Mark, mark
from .page import FAINT, PAPER, page_of, unit_of
from .place import Placement
from .tinted import signed_bar, signed_over, tinted


def tinted_card(
    image: Array,
    heats: Sequence[Array],
    placement: Placement,
    marks: Sequence[Mark],
    *,
    title: str,
    lines: Sequence[str] = (),
) -> Array:
    """Each map in the colour of its mark, uint8 [H', W', 3].

    Args:
        image: the photo, uint8 [H, W, 3].
        heats: [h, w] in [0, 1] over the model's whole input, one a mark.
        placement: where the photo lies in the input.
        marks: boxes in pixels of the photo.
        title: in large letters.
        lines: the small print.
    """
    photo = enlarge(image)
    size = (photo.shape[0], photo.shape[1])
    placed = [placement.to_photo(heat.astype(np.float32), size) for heat in heats]
    painted = tinted(photo, placed, [one.colour for one in marks])
    painted = mark(painted, marks, (image.shape[0], image.shape[1]))
    return framed(painted, True, title=title, lines=lines, limits=None, reason="")


def signed_sheet(
    image: Array,
    values: Sequence[Array],
    placement: Placement,
    labels: Sequence[str],
    *,
    title: str,
    lines: Sequence[str] = (),
    limit: float,
) -> Array:
    """Maps side by side on one scale from -limit to limit, uint8 [H', W', 3].

    Args:
        image: the photo, uint8 [H, W, 3].
        values: [h, w] raw, over the model's whole input, one a panel.
        placement: where the photo lies in the input.
        labels: printed beneath each.
        title: in large letters.
        lines: the small print.
        limit: the value of the deepest red; above 0.
    """
    photo = enlarge(image)
    size = (photo.shape[0], photo.shape[1])
    panels = [
        signed_over(photo, placement.to_photo(one.astype(np.float32), size) / limit)
        for one in values
    ]
    painted = _side_by_side(panels, labels)
    return framed(
        painted,
        True,
        title=title,
        lines=lines,
        limits=(-limit, limit),
        reason="",
        colours=signed_bar,
    )


def _side_by_side(panels: Sequence[Array], labels: Sequence[str]) -> Array:
    """In one row, each with its label beneath it, as far as that is as wide."""
    height, width = panels[0].shape[:2]
    page = page_of(unit_of(len(panels) * width))
    gap, foot = page.unit, page.unit * 3
    total = len(panels) * (width + gap) - gap
    painted = np.full((height + foot, total, 3), PAPER, np.uint8)
    with drawing_on(painted) as picture:
        draw = page.draw(picture)
        for i, label in enumerate(labels):
            for row, line in enumerate(page.wrap(label, page.small, width)[:2]):
                at = i * (width + gap), height + page.unit // 4 + row * round(page.unit * 1.25)
                draw.text(at, line, font=page.small, fill=FAINT)
    for i, panel in enumerate(panels):
        painted[:height, i * (width + gap) : i * (width + gap) + width] = panel
    return painted
