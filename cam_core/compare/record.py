"""A comparison as numbers, ready for JSON: what limits are put on, with or without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..metrics.intervals import Interval
from .agreement import MEASURES
from .bounds import NOISE
from .photos import Answer, Lone, Pair
from .presets import Presets
from .run import Comparison
from .spread import STATISTICS, Statistic
from .verdict import Verdict, bound, ratings

FORMAT = 1
"""Of the record; one of another format is refused."""
METRICS: Mapping[str, str] = {
    **{name: measure.summary for name, measure in MEASURES.items()},
    "gain": "raw maximum of B's map over that of A's",
    "score": "size of the difference of both scores of the target",
    "flips": "1 where B's answer is another, else 0",
    "places": "of a segmentation: part of the places that both give one class",
    "box_iou": "mean overlap of the boxes that both have",
    "misses": "boxes of A that B has not",
    "ghosts": "boxes of B that A has not",
    "way": "part of the way to another class: 0 as A under noise, 1 as another class",
}
"""One number a photo each, by name: what limits are put on."""


def record(found: Comparison) -> dict[str, Any]:
    """All numbers."""
    verdict = found.verdict
    sides = found.sides
    photos = [photo(pair, way) for pair, way in zip(found.pairs, ways(found, verdict), strict=True)]
    return {
        "format": FORMAT,
        "said": found.said,
        "verdict": verdict_record(verdict),
        "target": sides.target,
        "method": sides.how,
        "layers": [{**asdict(one), "alike": number(one.alike)} for one in sides.layers],
        "classes_of_a_in_b": None if sides.classes.to_b is None else list(sides.classes.to_b),
        "classes_changed_places": [list(pair) for pair in found.moved],
        "seed": sides.seed,
        "sample": found.sample,
        "bounds": bounds_record(found.pairs),
        "metrics": dict(METRICS),
        "statistics": statistics(photos),
        "missed": list(found.missed),
        "presets": None if found.presets is None else presets_record(found.presets),
        "photos": photos,
    }


def photo(pair: Pair, way: float) -> dict[str, Any]:
    """One photo."""
    own = {"score": abs(pair.scores[1] - pair.scores[0]), "way": way}
    flips = {"flips": float(pair.flips)} if pair.answers is not None else {}
    return {
        "photo": pair.name,
        "target": pair.target,
        "input_sha256": list(pair.sha256),
        "same_input": pair.fed_alike,
        "answers": None if pair.answers is None else [_answer(one) for one in pair.answers],
        "scores": [number(score) for score in pair.scores],
        "raw_max": [number(one.raw_max) for one in pair.maps],
        "diagnosis": [one.diagnosis for one in pair.maps],
        **{
            name: number(value)
            for name, value in {**pair.measures, **own, **flips, **of_boxes(pair.boxes)}.items()
        },
        "boxes": pair.boxes,
        "lone_boxes": lone_record(pair.lone) or None,
        "of_b_answer": {name: number(value) for name, value in pair.of_answer.items()} or None,
        "bounds": {name: number(value) for name, value in pair.bounds.items()} or None,
    }


def of_boxes(boxes: Mapping[str, Any] | None) -> dict[str, float]:
    """How alike the boxes of both are; {} of models that are no detectors."""
    if boxes is None:
        return {}
    shared = [one["iou"] for one in boxes["pairs"]]
    counts = {name: float(len(boxes[name])) for name in ("misses", "ghosts")}
    return {"box_iou": float(np.mean(shared)) if shared else float("nan"), **counts}


def lone_record(lone: Sequence[Lone]) -> list[dict[str, Any]]:
    """Ready for JSON: which box, and what both maps come to."""
    return [
        {
            "kind": one.kind,
            "class": one.facts["box"]["class"],
            "anchor": one.facts["box"]["anchor"],
            "raw_max": [number(seen.raw_max) for seen in one.maps],
            "spearman": number(one.spearman),
            "diagnosis": [seen.diagnosis for seen in one.maps],
        }
        for one in lone
    ]


def ways(found: Comparison, verdict: Verdict) -> list[float]:
    """u of each photo, as `verdict` has it."""
    top = 1.0 if np.isnan(verdict.floor) else verdict.floor
    if verdict.way is None:
        return [float("nan")] * len(found.pairs)
    return [float(u) for u in (top - ratings(found.pairs)) / (top - verdict.ceiling)]


def presets_record(presets: Presets) -> dict[str, Any]:
    """What the doctor found."""
    known = {
        name: number(value) for name, value in (("fed", presets.fed), ("agrees", presets.agrees))
    }
    own = {"tried": presets.tried, "named": list(presets.named), "flags": presets.flags}
    return {"said": presets.said, **own, **known}


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Its line, and the parts of it."""
    return {
        "word": verdict.word,
        "line": verdict.line,
        "agreement": interval(verdict.agreement),
        "floor": number(verdict.floor),
        "ceiling": number(verdict.ceiling),
        "ceiling_is": verdict.beyond,
        "way": interval(verdict.way),
        "reasons": list(verdict.reasons),
    }


def bounds_record(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The median of each over the sample."""
    names = dict.fromkeys(name for pair in pairs for name in pair.bounds)
    return {name: number(bound(pairs, name)) for name in names or [NOISE]}


def statistics(photos: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """By metric and statistic."""
    return {
        name: {s: number(Statistic(s)(values(photos, name))) for s in STATISTICS}
        for name in METRICS
    }


def values(photos: Sequence[Mapping[str, Any]], metric: str) -> list[float]:
    """One number a photo, NaN where there is none."""
    found = [one.get(metric) for one in photos]
    return [float("nan") if value is None else float(value) for value in found]


def interval(of: Interval | None) -> dict[str, Any] | None:
    """A median and its ends."""
    if of is None:
        return None
    ends = {"median": number(of.mean), "low": number(of.low), "high": number(of.high)}
    return ends | {"photos": of.rows, "left_out": of.left_out}


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def _answer(one: Answer) -> dict[str, Any]:
    return {**asdict(one), "score": number(one.score)}
