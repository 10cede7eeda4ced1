"""The picture of one explanation: over the photo, in its own coordinates, or over an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.explanation import Explanation
from cam_core.image import Mark, Outline, Panel, Placement, beside, card, sheet, view
from cam_core.image.page import PAPER
from cam_core.methods import find_method
from cam_core.places import Cells

from .explained import Explained, Row, Unit
from .inputs.beneath import Ground, beneath
from .inputs.cropping import box_named
from .inputs.samples import Sample
from .naming import subject


def draw(sample: Sample, explained: Explained, top: float | None) -> Array:
    """uint8 [H, W, 3], for every map; of two pictures both, side by side.

    Args:
        top: the raw value that the last colour stands for; the map's own maximum if None.
    """
    own = one_map(sample, explained, top)
    if explained.beside is None:
        return own
    other = explained.beside
    row = replace(
        explained.row,
        label=other.sample.slot.name,
        raw_max=float(other.explanation.raw_max[0]),
        diagnosis=other.explanation.diagnosis[0],
    )
    there = replace(explained, row=row, explanation=other.explanation, beside=None)
    return side_by_side([own, one_map(other.sample, there, top)])


def side_by_side(cards: Sequence[Array]) -> Array:
    """From left to right, the shorter ones on paper."""
    height = max(len(card) for card in cards)
    padded = [
        np.pad(c, ((0, height - len(c)), (0, 0), (0, 0)), constant_values=PAPER[0]) for c in cards
    ]
    return np.concatenate(padded, axis=1)


def one_map(sample: Sample, explained: Explained, top: float | None) -> Array:
    """Over the photo, over the array that has its axes, or alone."""
    row, explanation = explained.row, explained.explanation
    low = float(explanation.map[0].min())
    high = ceiling(explanation.map[0], explanation.method) if top is None else top
    shade = partial(coloured, explanation, top=top)
    words: dict[str, Any] = {
        "title": row.label or subject(row.target, row.entry),
        "limits": (low if top is None else 0.0, high),
        "reason": row.diagnosis,
    }

    placed = sample.placement is not None and explanation.lies_over(sample.placement.size)
    if sample.picture is not None and sample.placement is not None and placed:
        heat = shade(explanation.heatmap(sample.placement.size)[0])
        lines = caption(row, how_of(explanation))
        marks = [*cut_mark(sample), *marks_of(explained, sample.placement)]
        ours = card(sample.picture, heat, sample.placement, lines=lines, marks=marks, **words)
        own = own_card(sample.picture, sample.placement, explanation.own)
        return ours if own is None else beside([ours, own])
    heat = shade(explanation.heatmap()[0])
    ground = beneath(sample.given, heat, explanation.region)
    seen = view(ground.values, ground.cells)
    notes = [note for note in (seen.note, ground.note) if note]
    lines = [*caption(row, how_of(explanation)), *notes]
    return sheet(marked(seen.panels, mark_of(explained), ground), lines=lines, **words)


def marked(panels: Sequence[Panel], one: Mark | None, ground: Ground) -> Sequence[Panel]:
    """The picture of an array with a box in pixels of the input; what is no picture as it was."""
    if one is None or ground.values is None or ground.cells.ndim != 2:
        return panels
    (panel,) = panels
    sizes = zip(panel.photo.shape[:2], ground.values.shape[:2], strict=True)
    down, across = (n / have for n, have in sizes)
    top, left = ground.start or (0, 0)
    x0, y0, x1, y1 = one.corners
    corners = (x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down
    return [replace(panel, marks=[replace(one, corners=corners)])]


def coloured(explanation: Explanation, heat: Array, *, top: float | None = None) -> Array:
    """Heat in [0, 1] of one row's map, from its own scale to that of the colours.

    Args:
        top: as of `draw`.
    """
    cells, highest = explanation.map[0], float(explanation.raw_max[0])
    low = float(cells.min())
    high = ceiling(cells, explanation.method)
    if explanation.blank[0] or (top is None and high == highest):
        return heat
    if top is None:
        return heat * ((highest - low) / (high - low))
    return (low + heat * (highest - low)) / top


def ceiling(cells: Array, method: str) -> float:
    """The value that the last colour stands for, of a map [*S] by itself: mostly its maximum.

    Of a map of pixels few are as large: the 99th percentile (Smilkov et al. 2017, section 3.1).
    """
    highest = float(cells.max())
    if find_method(method).at == "layer":
        return highest
    found = float(np.percentile(cells, 99))
    return found if found > float(cells.min()) else highest


def own_card(picture: Array, placement: Placement, own: Cells | None) -> Array | None:
    """The map that the model gives itself, over the photo; None where it gives none."""
    if own is None or len(own.region.along(2)) != own.values.ndim - 1:
        return None
    values = own.values[0].astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low) or low == high:
        return None
    heat = replace(own, values=(own.values - low) / (high - low)).over(placement.size)[0]
    title = f"the model's own {own.name}"
    lines = [f"minimum {low:.4g} · mean {values.mean():.4g} · maximum {high:.4g}"]
    return card(picture, heat, placement, title=title, lines=lines, limits=(low, high))


def cut_mark(sample: Sample) -> list[Mark | Outline]:
    """The part of the photo that the model was shown; [] where it is all of it."""
    one = sample.slot.cut
    if one is None or sample.placement is None or sample.placement.photo != one.photo:
        return []
    return [Mark(tuple(map(float, one.corners)), box_named(one.box) if one.box else "")]


def marks_of(explained: Explained, placement: Placement) -> list[Mark | Outline]:
    """The box that it is about, or the region."""
    outline = explained.explanation.outline
    if outline is not None and len(outline.region.along(2)) == outline.values.ndim - 1:
        height, width = placement.photo
        cells = outline.over(placement.size)[0].astype(np.float32)
        return [Outline(placement.to_photo(cells, (height, width)) > 0.5)]
    own = mark_of(explained)
    return [] if own is None else [own]


def mark_of(explained: Explained, colour: tuple[int, int, int] = PAPER) -> Mark | None:
    """The box that it is about; None where it is about none."""
    details = explained.explanation.detail
    box = details[0].get("box") if details else None
    if box is None:
        return None
    strength = box["score"] if box["probability"] is None else box["probability"]
    return Mark(tuple(box["corners"]), f"{explained.row.label} {strength:.2f}", colour)


def how_of(explanation: Explanation) -> str:
    """The method, and how its maps were smoothed and fused."""
    smooth = f", smoothed by {explanation.smooth}" if explanation.smooth else ""
    fuse = f", {explanation.fuse} of layers" if explanation.fuse else ""
    return f"{explanation.method}{smooth}{fuse}"


def caption(row: Row, how: str) -> list[str]:
    """The small print under the picture."""
    facts = [subject(row.target, row.entry)] if row.label else []
    facts.append(f"score {row.score:.4g}")
    if row.probability is not None:
        facts.append(f"probability {row.probability:.3g}")
    facts.append(f"map maximum {row.raw_max:.3g}")
    return [" · ".join(facts), f"{how} at {row.layer}"]


def shared(explained: list[Explained]) -> dict[Unit, float]:
    """By unit, the largest raw value of the run: the last colour of every picture."""
    tops: dict[Unit, float] = {}
    for one in explained:
        also = 0.0 if one.beside is None else float(one.beside.explanation.raw_max[0])
        tops[one.unit] = max(tops.get(one.unit, 0.0), one.row.raw_max, also)
    return tops
