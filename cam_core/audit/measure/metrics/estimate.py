"""What metrics cost, measured on the first photos before all the others are begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....compare.sides import Sides
from ....ranking.cost import Counting, Passes
from ..shot import Shot
from .table import with_numbers

TRIED = 2
"""Photos that are measured: the first one also sets up what runs the model."""


@dataclass(frozen=True)
class Estimate:
    """Of what the metrics ask for besides an audit's own passes."""

    metrics: tuple[str, ...]
    forwards: int
    """Rows that the model is run forward for, of one photo."""
    backwards: int
    seconds: float
    """Of one photo, in one process."""
    photos: int
    """How many there are to be measured."""
    missing: Mapping[str, str]
    """Metrics that the first photos have no number of, and why."""


def estimated(
    sides: Sides,
    shots: Iterable[Shot],
    metrics: Sequence[str],
    photos: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate | None:
    """Measures the first TRIED photos that have a map; None where there is no such photo.

    Args:
        sides: the models.
        shots: photos that were looked at, one after another.
        metrics: rows of EXTRAS.
        photos: how many there are in all.
    """
    passes = Passes()
    model: Any = Counting(sides.a, passes)
    counting = replace(sides, a=model)
    missing: dict[str, str] = {}
    seconds: list[float] = []
    for shot in shots:
        if shot.one is None:
            continue
        before, start = replace(passes), clock()
        with_numbers(counting, shot, metrics, missed=missing.setdefault)
        seconds.append(clock() - start)
        found = passes.forward - before.forward, passes.backward - before.backward
        if len(seconds) == TRIED:
            break
    if not seconds:
        return None
    return Estimate(tuple(metrics), *found, min(seconds), photos, missing)
