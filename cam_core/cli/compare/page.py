"""The page: one file with all pictures in it, that needs no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.compare.limits import Checked
from cam_core.compare.run import Comparison
from cam_core.compare.verdict import ratings
from cam_core.image.png import png

from ..templates import rendered
from .sheet import Strip
from .words import columns, facts, row

TEMPLATE = Path(__file__).with_name("page.html.jinja")
LEFT, WIDE = 40, 920
"""Of the plot."""
COLOURS = {
    "the same": "#2e7d32",
    "nearly the same": "#9e9d24",
    "not clear": "#ef8f00",
    "not the same": "#b3261e",
}
GREY, BLUE, RED = "#686d75", "#1a66c2", "#b3261e"


def page(
    found: Comparison,
    record: Mapping[str, Any],
    strips: Sequence[Strip],
    *,
    title: str,
    checked: Sequence[Checked] = (),
    tensors: Mapping[str, Any] | None = None,
    more: Sequence[tuple[str, str]] = (),
) -> bytes:
    """UTF-8.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return rendered(
        TEMPLATE,
        "compare.html",
        title=title,
        colour=COLOURS.get(found.verdict.word, GREY),
        record=record,
        checked=checked,
        plot=plot(found),
        strips=[[_picture(*one) for one in strip.pictures] for strip in strips],
        columns=list(columns(found)),
        rows=[row(found, found.pairs[i]) for i in found.worst_first],
        tensors=tensors,
        curve=curve([] if tensors is None else tensors["tensors"]),
        facts=[*facts(found), *more],
    )


def plot(found: Comparison) -> dict[str, Any]:
    """A dot a photo along the agreement, and where noise and another class lie."""
    verdict, r = found.verdict, ratings(found.pairs)
    known = r[~np.isnan(r)]
    ends = [v for v in (verdict.ceiling, verdict.floor) if not np.isnan(v)]
    low = min([*known, *ends, 0.9])
    span = max(1 - low, 1e-3)

    def x(value: float) -> float:
        return float(round(LEFT + WIDE * (value - low) / span, 1))

    dots = [
        {
            "x": x(value),
            "y": 84 - 12 * (i % 4),
            "colour": RED if pair.flips else BLUE,
            "text": f"{pair.name}: {value:.3f}",
        }
        for i, (pair, value) in enumerate(zip(found.pairs, r, strict=True))
        if not np.isnan(value)
    ]
    marks = [("noise", verdict.floor, GREY, 20, "end"), ("", verdict.ceiling, GREY, 20, "start")]
    named = [
        {"x": x(v), "text": name or verdict.beyond, "colour": colour, "y": y, "anchor": anchor}
        for name, v, colour, y, anchor in marks
        if not np.isnan(v)
    ]
    ticks = [{"x": x(v), "text": f"{v:.3g}"} for v in np.linspace(low, 1, 6)]
    return {"dots": dots, "marks": named, "ticks": ticks}


def curve(tensors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """SQNR of each tensor in the graph's order, equal ones (infinitely good) on top."""
    known = [one["sqnr"] for one in tensors if one["sqnr"] is not None]
    top, low = max([*known, 40.0]), min([*known, 0.0])
    step = WIDE / max(len(tensors) - 1, 1)
    heights = [_level(one, top, low) for one in tensors]
    points = [
        {
            "x": round(LEFT + step * i, 1),
            "y": round(110 - 90 * (height - low) / (top - low), 1),
            "text": f"{one['tensor']}: {height:.1f} dB",
        }
        for i, (one, height) in enumerate(zip(tensors, heights, strict=True))
    ]
    return {"points": points, "top": f"{top:.0f} dB", "low": f"{low:.0f} dB"}


def _level(one: Mapping[str, Any], top: float, low: float) -> float:
    """Of equal tensors the top, of broken ones the bottom."""
    if one["sqnr"] is not None:
        return float(one["sqnr"])
    return top if one["largest"] == 0 else low


def _picture(pixels: Any, text: str) -> dict[str, str]:
    return {"png": b64encode(png(pixels)).decode(), "text": text}
