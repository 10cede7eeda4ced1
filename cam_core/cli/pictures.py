"""The picture of one explanation: over the photo, in its own coordinates, or over an array."""

from __future__ import annotations

from typing import Any

from cam_core.backend import Array
from cam_core.image import Mark, card, sheet, view
from cam_core.image.page import PAPER

from .inputs.beneath import beneath
from .inputs.samples import Sample
from .job import Explained, Row
from .naming import subject


def draw(sample: Sample, explained: Explained, method: str, top: float | None) -> Array:
    """uint8 [H, W, 3], for every map: over the photo, over the array that has its axes, or alone.

    Args:
        top: the raw value that the last colour stands for; the map's own maximum if None.
    """
    row, explanation = explained.row, explained.explanation
    low = float(explanation.map[0].min())
    words: dict[str, Any] = {
        "title": row.label or subject(row.target),
        "limits": (low, row.raw_max) if top is None else (0.0, top),
        "reason": row.diagnosis,
    }

    def coloured(heat: Array) -> Array:
        """From the map's own scale to that of the colours."""
        if top is None or explanation.blank[0]:
            return heat
        return (low + heat * (row.raw_max - low)) / top

    placed = sample.placement is not None and explanation.lies_over(sample.placement.size)
    if sample.picture is not None and sample.placement is not None and placed:
        heat = coloured(explanation.heatmap(sample.placement.size)[0])
        lines, own = caption(row, method), mark_of(explained)
        marks = [] if own is None else [own]
        return card(sample.picture, heat, sample.placement, lines=lines, marks=marks, **words)
    heat = coloured(explanation.heatmap()[0])
    ground = beneath(sample.given, heat, explanation.region)
    seen = view(ground.values, ground.cells)
    lines = [*caption(row, method), *(note for note in (seen.note, ground.note) if note)]
    return sheet(seen.panels, lines=lines, **words)


def mark_of(explained: Explained, colour: tuple[int, int, int] = PAPER) -> Mark | None:
    """The box that it is about; None where it is about none."""
    details = explained.explanation.detail
    box = details[0].get("box") if details else None
    if box is None:
        return None
    strength = box["score"] if box["probability"] is None else box["probability"]
    return Mark(tuple(box["corners"]), f"{explained.row.label} {strength:.2f}", colour)


def caption(row: Row, method: str) -> list[str]:
    """The small print under the picture."""
    facts = [subject(row.target)] if row.label else []
    facts.append(f"score {row.score:.4g}")
    if row.probability is not None:
        facts.append(f"probability {row.probability:.3g}")
    facts.append(f"map maximum {row.raw_max:.3g}")
    return [" · ".join(facts), f"{method} at {row.layer}"]


def shared(explained: list[Explained]) -> dict[str, float]:
    """By unit, the largest raw value of the run: the last colour of every picture."""
    tops: dict[str, float] = {}
    for one in explained:
        tops[one.unit] = max(tops.get(one.unit, 0.0), one.row.raw_max)
    return tops
