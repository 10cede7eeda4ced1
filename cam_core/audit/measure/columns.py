"""The columns of a report: what each is, and where it comes from. To add one: a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from ...compare.agreement import MEASURES
from ...compare.record import of_boxes
from ...maps.stats import STATS
from ...ranking.asking import class_of
from ...sources.boxes import Labelled, is_of
from ..data.far import FILES
from .metrics import EXTRAS
from .shot import One, Opened, Shot
from .small_map import rows_of, small_map
from .stats import LOGGED

Of = Literal["photo", "model", "reference", "metrics"]


@dataclass(frozen=True)
class Column:
    """A row of COLUMNS."""

    kind: str
    """text, number, whole, yes or numbers."""
    of: Of
    """What has it: each photo, the model's look at it, that of model and reference, or metrics
    that were asked for."""
    summary: str
    value: Callable[[Shot], Any]
    """None: nobody knows."""


def number(value: float | None) -> float | None:
    """NaN and inf are none."""
    return float(value) if value is not None and np.isfinite(value) else None


def opened(of: Callable[[Opened], Any]) -> Callable[[Shot], Any]:
    """Of a photo that could be opened."""
    return lambda shot: None if shot.opened is None else of(shot.opened)


def one(of: Callable[[One], Any]) -> Callable[[Shot], Any]:
    """Of a photo that the model was asked about."""
    return lambda shot: None if shot.one is None else of(shot.one)


def energy(name: str) -> Callable[[Shot], Any]:
    """A field of Energies."""
    return lambda shot: number(getattr(shot.energies, name))


def stat(name: str) -> Callable[[Shot], Any]:
    """A row of STATS."""
    return lambda shot: number(shot.stats.get(name))


def agreed(name: str) -> Callable[[Shot], Any]:
    """A measure of both maps."""

    def value(shot: Shot) -> float | None:
        if shot.pair is None:
            return None
        return number({**shot.pair.measures, **of_boxes(shot.pair.boxes)}.get(name))

    return value


def of_b(of: Callable[[Any], Any]) -> Callable[[Shot], Any]:
    """Of what both models say."""
    return lambda shot: None if shot.pair is None else of(shot.pair)


def is_right(shot: Shot) -> bool | None:
    """Is the answer the label? None where either is not known, or no class of the model."""
    if shot.one is None or shot.one.answer is None or shot.label is None:
        return None
    if not isinstance(shot.label, int) and not is_class(shot.label, tuple(shot.labels or ())):
        return None
    box = Labelled(shot.label, 0, 0, 1, 1)
    return is_of(box, shot.one.answer.index, shot.one.answer.label)


@lru_cache(maxsize=4096)  # data has its labels again and again, and a model a thousand names
def is_class(label: str, names: tuple[str, ...]) -> bool:
    """Is that any class of the model, by any of its names?"""
    return class_of(Labelled(label, 0, 0, 1, 1), names, None) is not None


def _path(shot: Shot) -> str | None:
    return str(shot.item.source) if isinstance(shot.item.source, FILES) else None


COLUMNS: Mapping[str, Column] = {
    "photo": Column("text", "photo", "its name within the data", lambda shot: shot.item.id),
    "index": Column("whole", "photo", "its place among all", lambda shot: shot.index),
    "path": Column("text", "photo", "its file", _path),
    "error": Column("text", "photo", "why it was not looked at", lambda s: s.error or None),
    "label": Column("text", "photo", "what it shows, as the data says", lambda s: _text(s.label)),
    "height": Column("whole", "photo", "in pixels", opened(lambda o: o.size and o.size[0])),
    "width": Column("whole", "photo", "in pixels", opened(lambda o: o.size and o.size[1])),
    "aspect": Column(
        "number", "photo", "width over height", opened(lambda o: number(o.look.aspect))
    ),
    "brightness": Column(
        "number", "photo", "mean grey, 0 to 1", opened(lambda o: number(o.look.brightness))
    ),
    "sharpness": Column(
        "number",
        "photo",
        "variance of the Laplacian; low: blurred",
        opened(lambda o: number(o.look.sharpness)),
    ),
    "answer": Column(
        "text", "model", "what it says", one(lambda o: None if o.answer is None else o.answer.label)
    ),
    "answer_class": Column(
        "whole",
        "model",
        "the number of that",
        one(lambda o: None if o.answer is None else o.answer.index),
    ),
    "correct": Column("yes", "model", "is that the label?", is_right),
    "confidence": Column(
        "number",
        "model",
        "the probability of the answer, where the model has one",
        one(lambda o: number(o.confidence)),
    ),
    "target": Column("text", "model", "what the map is about", one(lambda o: o.target)),
    "score_model": Column(
        "number", "model", "the score of what the map is about", one(lambda o: number(o.score))
    ),
    **{name: Column("number", "model", STATS[name].summary, stat(name)) for name in LOGGED},
    "raw_max": Column(
        "number", "model", "the map's maximum", one(lambda o: number(o.seen.raw_max))
    ),
    "noise_floor": Column(
        "number",
        "model",
        "below this a map is rounding noise",
        one(lambda o: number(o.seen.floor)),
    ),
    "blank": Column("yes", "model", "is there no map?", one(lambda o: bool(o.seen.blank))),
    "diagnosis": Column(
        "text", "model", "what is doubtful about it", one(lambda o: o.seen.diagnosis or None)
    ),
    "energy_object": Column(
        "number", "model", "share of the map on what it is about", energy("object")
    ),
    "energy_other": Column("number", "model", "on other marked objects", energy("other")),
    "energy_background": Column("number", "model", "on neither", energy("background")),
    "energy_border": Column(
        "number", "model", "on the outermost tenth of each side", energy("border")
    ),
    "object_size": Column(
        "number", "model", "share of the area that the object has", energy("object_size")
    ),
    "other_size": Column("number", "model", "that other objects have", energy("other_size")),
    "map": Column(
        "numbers",
        "model",
        "the map's positive part as shares of its sum, at most 8 x 8 cells",
        one(lambda o: small_map(o.seen)),
    ),
    "map_height": Column(
        "whole",
        "model",
        "the rows of that",
        one(lambda o: rows_of(o.seen)),
    ),
    "channels": Column(
        "numbers",
        "model",
        "which channels it comes from: what each adds, as a direction, in 32 random projections",
        one(lambda o: None if o.seen.channels is None else o.seen.channels.tolist()),
    ),
    "answer_b": Column(
        "text",
        "reference",
        "what the reference says",
        of_b(lambda p: None if p.answers is None else p.answers[1].label),
    ),
    "flips": Column(
        "number",
        "reference",
        "1 where the reference answers otherwise",
        of_b(lambda p: None if p.answers is None else float(p.flips)),
    ),
    "score": Column(
        "number",
        "reference",
        "size of the difference of both scores",
        of_b(lambda p: number(abs(p.scores[1] - p.scores[0]))),
    ),
    "raw_max_b": Column(
        "number", "reference", "its map's maximum", of_b(lambda p: number(p.maps[1].raw_max))
    ),
    "blank_b": Column("yes", "reference", "has it no map?", of_b(lambda p: bool(p.maps[1].blank))),
    "diagnosis_b": Column(
        "text",
        "reference",
        "what is doubtful about that",
        of_b(lambda p: p.maps[1].diagnosis or None),
    ),
    **{
        name: Column("number", "reference", measure.summary, agreed(name))
        for name, measure in MEASURES.items()
    },
    "gain": Column(
        "number", "reference", "raw maximum of its map over the model's", agreed("gain")
    ),
    "places": Column(
        "number", "reference", "of a segmentation: part of the places alike", agreed("places")
    ),
    "box_iou": Column(
        "number", "reference", "mean overlap of the boxes of both", agreed("box_iou")
    ),
    "misses": Column("number", "reference", "boxes that it has not", agreed("misses")),
    "ghosts": Column("number", "reference", "boxes that it alone has", agreed("ghosts")),
    "bounds": Column(
        "text",
        "reference",
        "agreement under noise and with other classes, as JSON",
        of_b(lambda p: _json(p.bounds) if p.bounds else None),
    ),
    "fed_alike": Column(
        "yes", "reference", "was the reference fed the same?", of_b(lambda p: p.fed_alike)
    ),
}
"""By name, in the order of the table."""


def columns_of(*, reference: bool, metrics: Sequence[str] = ()) -> dict[str, Column]:
    """Those of a report with a reference, or of one model alone; and some of EXTRAS."""
    usual = {name: c for name, c in COLUMNS.items() if reference or c.of != "reference"}
    return usual | {name: extra(name) for name in metrics}


def extra(name: str) -> Column:
    """A row of EXTRAS as a column."""
    return Column("number", "metrics", EXTRAS[name].summary, lambda shot: shot.extras.get(name))


def row_of(shot: Shot, columns: Mapping[str, Column]) -> dict[str, Any]:
    """One photo as a row."""
    lacks = frozenset() if shot.one is None else shot.one.lacks
    return {n: None if n in lacks else column.value(shot) for n, column in columns.items()}


def _text(label: int | str | None) -> str | None:
    return None if label is None else str(label)


def _json(bounds: Mapping[str, float]) -> str:
    return json.dumps({name: number(value) for name, value in bounds.items()})
