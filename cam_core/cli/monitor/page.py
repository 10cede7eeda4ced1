"""The page: the distributions of both, in one file that asks no network for anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.compare.limits import Checked
from cam_core.monitor import Monitored

from ..compare.page import COLOURS, GREY
from ..templates import rendered

TEMPLATE = Path(__file__).with_name("page.html.jinja")
BINS = 24
LEFT, WIDE, HIGH, FOOT = 10, 300, 80, 90
"""Of a plot."""
CUT = 0.005
"""Of all rows at each end: one far value would make one bar of all others."""


def page(found: Monitored, record: Mapping[str, Any], checked: Sequence[Checked]) -> bytes:
    """UTF-8.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return rendered(
        TEMPLATE,
        "a page",
        record=record,
        colour=COLOURS.get(record["verdict"]["word"], GREY),
        checked=checked,
        plots=plots(found),
        number=number,
    )


def plots(found: Monitored) -> list[dict[str, Any]]:
    """One of each number that was compared."""
    pool, of = found.pool, found.shift
    if pool is None or of is None:
        return []
    then, now = pool.values[~pool.own], pool.values[pool.own]
    weights = pool.weights[~pool.own]
    return [
        {
            **plot(then[:, j], weights, now[:, j]),
            "name": name,
            "moved": bool(of.p[j] <= found.alpha),
            "said": f"{name}: distance {of.distances[j]:.2g}, p {of.p[j]:.2g}",
        }
        for j, name in enumerate(found.names)
    ]


def plot(then: Array, weights: Array | None, now: Array) -> dict[str, Any]:
    """Bars of the baseline, its classes mixed as in the log, and a line of the log."""
    low, high = np.quantile(np.concatenate([then, now]), [CUT, 1 - CUT])
    span = float(high - low) if high > low else 1.0
    ends = (float(low), float(low) + span)
    before, after = (shares(v, w, ends) for v, w in ((then, weights), (now, None)))
    top, step = max(before.max(), after.max()), WIDE / BINS
    bars = [
        {"x": round(LEFT + i * step, 1), "width": round(step - 1, 1), **_tall(share / top)}
        for i, share in enumerate(before)
        if share
    ]
    line = " ".join(
        f"{LEFT + x * step:.1f},{FOOT - HIGH * share / top:.1f}"
        for i, share in enumerate(after)
        for x in (i, i + 1)
    )
    return {"bars": bars, "line": line, "low": f"{ends[0]:.4g}", "high": f"{ends[1]:.4g}"}


def shares(values: Array, weights: Array | None, ends: tuple[float, float]) -> Array:
    """Of all rows the part in each bin [BINS]; what lies beyond an end is in the last one there."""
    counts = np.histogram(np.clip(values, *ends), BINS, ends, weights=weights)[0]
    found: Array = counts / counts.sum()
    return found


def number(value: float) -> str:
    """As it is shown."""
    return f"{value:.4g}"


def _tall(share: float) -> dict[str, float]:
    return {"y": round(FOOT - HIGH * share, 1), "height": round(HIGH * share, 1)}
