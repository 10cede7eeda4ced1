"""One picture of all characters of a line: the line again and again, where each was read."""

from __future__ import annotations

from collections.abc import Sequence

from cam_core.backend import Array
from cam_core.image import Panel, sheet
from cam_core.image.figure import resized

from .explained import Explained
from .inputs.samples import Sample

WIDTH = 640
"""Pixels."""


def strips(sample: Sample, explained: Sequence[Explained]) -> Array:
    """uint8 [H, W, 3]: a strip a character, each over its own maximum."""
    assert sample.picture is not None
    assert sample.placement is not None
    photo = wide(sample.picture)
    panels = []
    for one in explained:
        heat = one.explanation.heatmap(sample.placement.size)[0]
        shown = sample.placement.to_photo(heat, (photo.shape[0], photo.shape[1]))
        panels.append(Panel(photo, shown, caption(one)))
    first = explained[0]
    lines = [f"{first.explanation.method} at {first.row.layer}; each strip over its own maximum"]
    return sheet(panels, title=repr(first.row.reads), lines=lines, across=1)


def wide(picture: Array) -> Array:
    """The line at a width that is good to look at."""
    height, width = picture.shape[:2]
    return resized(picture, (max(1, round(height * WIDTH / width)), WIDTH))


def caption(one: Explained) -> str:
    """The character, its score and its probability."""
    facts = one.explanation.detail[0]["char"]
    said = f"{facts['number']}  {facts['character']!r}  score {one.row.score:.4g}"
    return f"{said}  probability {facts['probability']:.3g}"
