"""Numbers by kind of photo: a class, dark ones, small objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ...backend import Array
from ...metrics.intervals import Interval, mean_interval
from .table import Table, grouped

LEAST = 5
"""Photos that a slice has at least."""
MOST = 40
"""Slices of one kind, the largest first."""
DRAWS = 2000
"""Of the bootstrap of each slice."""
THIRDS = ("low", "middle", "high")
SHOWN = ("correct", "confidence", "energy_object", "energy_background", "energy_border", "blank")
COMPARED = ("spearman", "iou", "flips")


@dataclass(frozen=True)
class Slice:
    """The photos of one kind."""

    kind: str
    """A row of KINDS."""
    name: str
    photos: int
    numbers: Mapping[str, Interval]
    """By metric, the mean with its interval; those that no photo of it has are left out."""


def by_class(table: Table) -> Iterator[tuple[str, Array]]:
    """What the data says a photo shows."""
    names, codes = grouped(table.words("label"))
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    for i in np.argsort(-counts, kind="stable"):
        if names[i]:
            yield names[i], codes == i


def by_thirds(column: str) -> Callable[[Table], Iterator[tuple[str, Array]]]:
    """The thirds of a column, by its own quantiles; one of equal values makes none."""

    def parts(table: Table) -> Iterator[tuple[str, Array]]:
        values = table.numbers(column)
        known = values[~np.isnan(values)]
        if not known.size or known.min() == known.max():
            return
        low, high = np.quantile(known, [1 / 3, 2 / 3])
        ends = (known.min(), low, high, known.max())
        masks = (values <= low, (values > low) & (values <= high), values > high)
        for name, mask, i in zip(THIRDS, masks, range(3), strict=True):
            yield f"{name}: {ends[i]:.3g} to {ends[i + 1]:.3g}", mask

    return parts


def by_shape(table: Table) -> Iterator[tuple[str, Array]]:
    """Upright, square (within a tenth) and wide photos."""
    aspect = table.numbers("aspect")
    yield "upright", aspect < 1 / 1.1
    yield "square", (aspect >= 1 / 1.1) & (aspect <= 1.1)
    yield "wide", aspect > 1.1


KINDS: Mapping[str, Callable[[Table], Iterator[tuple[str, Array]]]] = {
    "class": by_class,
    "confidence": by_thirds("confidence"),
    "object size": by_thirds("object_size"),
    "brightness": by_thirds("brightness"),
    "sharpness": by_thirds("sharpness"),
    "shape": by_shape,
}
"""By name; to add one: a function, and a row."""


def slices_of(table: Table) -> list[Slice]:
    """All slices of LEAST photos or more, kind by kind."""
    metrics = [*SHOWN, *(COMPARED if table.referenced else ()), *table.metrics]
    found = []
    for kind, parts in KINDS.items():
        held = ((name, mask) for name, mask in parts(table) if mask.sum() >= LEAST)
        found += [
            Slice(kind, name, int(mask.sum()), means(table, metrics, mask))
            for name, mask in islice(held, MOST)
        ]
    return found


def means(table: Table, metrics: Sequence[str], mask: Array) -> dict[str, Interval]:
    """The mean of each metric over some rows."""
    values = {name: table.numbers(name)[mask] for name in metrics}
    return {
        name: mean_interval(of, draws=DRAWS)
        for name, of in values.items()
        if np.isfinite(of).any() and not np.isinf(of).any()
    }
