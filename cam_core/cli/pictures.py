"""The picture of one explanation, in the photo's own coordinates."""

from __future__ import annotations

import numpy as np

from cam_core.backend import Array
from cam_core.explanation import Explanation
from cam_core.image import Placement, card

from .inputs.samples import Sample
from .job import Explained, Row
from .naming import subject


def draw(sample: Sample, explained: Explained, method: str, top: float | None) -> Array | None:
    """uint8 [H, W, 3]; None where there is nothing to draw on.

    Args:
        top: the raw value that the last colour stands for; the map's own maximum if None.
    """
    row, explanation, image = explained.row, explained.explanation, sample.picture
    if image is None or sample.placement is None or explanation.map.ndim not in (2, 3):
        return None
    heat = spread(explanation, sample.placement)
    low = float(explanation.map[0].min())
    limits = (low, row.raw_max)
    if top is not None:
        if not explanation.blank[0]:
            heat = (low + heat * (row.raw_max - low)) / top
        limits = (0.0, top)
    return card(
        image,
        heat,
        sample.placement,
        title=row.label or subject(row.target),
        lines=caption(row, method),
        limits=limits,
        reason=row.diagnosis,
    )


def spread(explanation: Explanation, placement: Placement) -> Array:
    """The heatmap [h, w] over the whole input; that of a signal is the same in every row."""
    if explanation.map.ndim == 3:
        whole: Array = explanation.heatmap(placement.size)[0]
        return whole
    line: Array = explanation.heatmap(placement.size[1:])[0]  # [T]
    return np.repeat(line[None], placement.size[0], axis=0)


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
