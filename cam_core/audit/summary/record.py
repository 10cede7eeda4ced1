"""A report as numbers, ready for JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...backend import Array
from ...compare.record import number, verdict_record
from ...compare.spread import STATISTICS, Statistic
from ...compare.verdict import Verdict
from ...metrics.intervals import Interval, mean_interval
from ...plural import counted
from ..rows import read_manifest
from .agreed import agreed
from .shortcuts import Bias, Cluster, biases_of, clusters_of
from .slices import Slice, slices_of
from .table import FAILED, WAY, Table

FORMAT = 1
DRAWS = 2000
ERRORS = 20
"""Reasons that are told, the most frequent first."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What comes of all rows."""

    table: Table
    verdict: Verdict | None
    """Of two models."""
    ways: Array | None
    slices: list[Slice]
    clusters: list[Cluster] = field(default_factory=list)
    """Where the maps of each answer lie, those that may be shortcuts first."""
    biases: list[Bias] = field(default_factory=list)
    """Answers whose maps lie off the object."""

    def values(self, metric: str) -> Array:
        """One number a photo [N], NaN where there is none."""
        if metric == WAY:
            return np.full(len(self.table), np.nan) if self.ways is None else self.ways
        return self.table.numbers(metric)

    @property
    def metrics(self) -> dict[str, str]:
        """What limits are put on."""
        return self.table.measured

    @property
    def line(self) -> str:
        """The verdict."""
        return one_line(self.table) if self.verdict is None else self.verdict.line


def summarise(table: Table) -> Summary:
    """Of a report."""
    verdict, ways = agreed(table) if table.referenced else (None, None)
    found = slices_of(table), clusters_of(table), biases_of(table)
    return Summary(table, verdict, ways, *found)


def one_line(table: Table) -> str:
    """Of one model: what it has right, and where its maps lie."""
    said = [_part(table, *row) for row in ONE]
    known = [text for text in said if text]
    count, failed = len(table), int(table.numbers(FAILED).sum())
    first = counted(count - failed, "photo") + (
        f", {failed} more could not be read" if failed else ""
    )
    return "; ".join([first, *known])


ONE = (
    ("correct", "{mean:.1%} right [{low:.1%}, {high:.1%}] of {rows}"),
    ("energy_object", "{mean:.0%} of the map on the object [{low:.0%}, {high:.0%}] of {rows}"),
    ("energy_border", "{mean:.0%} of it at the border [{low:.0%}, {high:.0%}]"),
    ("blank", "{mean:.1%} without a map"),
)
"""Means that are told of one model, and in which words."""


def _part(table: Table, name: str, words: str) -> str:
    values = table.numbers(name)
    if np.isnan(values).all() or (name == "blank" and not np.nansum(values)):
        return ""
    return words.format(**asdict(mean_interval(values, draws=DRAWS)))


def record(found: Summary) -> dict[str, Any]:
    """All of it."""
    table, manifest = found.table, read_manifest(found.table.folder)
    counts = Counter(error for error in table.words("error") if error is not None)
    return {
        "command": "audit",
        "format": FORMAT,
        "verdict": _verdict(found),
        "photos": len(table),
        "failed": int(table.numbers(FAILED).sum()),
        "errors": dict(counts.most_common(ERRORS)),
        "metrics": found.metrics,
        "statistics": {name: statistics(found.values(name)) for name in found.metrics},
        "slices": [slice_record(one) for one in found.slices],
        "shortcuts": [cluster_record(one) for one in found.clusters if one.flag],
        "by_channels": [cluster_record(one) for one in found.clusters if one.by_channels],
        "biases": [bias_record(one) for one in found.biases],
        **{name: manifest[name] for name in ("sha256", "settings", "facts")},
    }


def statistics(values: Array) -> dict[str, Any]:
    """Of one metric, with the interval of its mean."""
    plain = {name: number(Statistic(name)(values)) for name in STATISTICS}
    known = values[np.isfinite(values)]
    mean = interval(mean_interval(known, draws=DRAWS)) if known.size else None
    return {**plain, "photos": int(known.size), "mean_interval": mean}


def interval(of: Interval) -> list[float]:
    """Its ends."""
    return [of.low, of.high]


def slice_record(one: Slice) -> dict[str, Any]:
    """A slice."""
    means = {
        name: {"mean": of.mean, "interval": interval(of), "photos": of.rows}
        for name, of in one.numbers.items()
    }
    return {"kind": one.kind, "name": one.name, "photos": one.photos, "means": means}


def cluster_record(one: Cluster) -> dict[str, Any]:
    """Photos of one answer whose maps lie in one place."""
    return {
        "answer": one.answer,
        "where": one.flag,
        "by_channels": one.by_channels,
        "photos": len(one.rows),
        "part": one.part,
        "mean_map": one.centre.tolist(),
    }


def bias_record(one: Bias) -> dict[str, Any]:
    """An answer whose maps lie off the object."""
    known = {"answer": one.answer, "on_object": one.on_object, "even": one.even}
    return {**known, "photos": one.difference.rows}


def _verdict(found: Summary) -> dict[str, Any]:
    if found.verdict is None:
        return {"word": None, "line": found.line}
    return verdict_record(found.verdict)
