"""The page: one file with all pictures in it, that needs no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.compare.limits import Checked
from cam_core.compare.run import Comparison
from cam_core.compare.verdict import ratings
from cam_core.image.png import png
from cam_core.plural import counted

from ..templates import rendered
from .sheet import COLOURS as EXPLAINED
from .sheet import Strip
from .words import columns, facts, row, told

TEMPLATE = Path(__file__).with_name("page.html.jinja")
LEFT, WIDE = 40, 920
"""Of the plot."""
COLOURS = {
    "the same": "#2e7d32",
    "nearly the same": "#9e9d24",
    "not clear": "#ef8f00",
    "not the same": "#b3261e",
}
GREY = "#686d75"
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Between the ticks of the plot."""
TICKS = 7
"""The most that it has."""


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
        colours=f"{EXPLAINED}.",
        columns=list(columns(found)),
        words=list(columns(found).values()).count("fold"),
        metrics=told(found),
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
            "other": pair.flips or pair.boxes_differ,
            "text": f"{pair.name}: {value:.3f}",
        }
        for i, (pair, value) in enumerate(zip(found.pairs, r, strict=True))
        if not np.isnan(value)
    ]
    marks = [("noise", verdict.floor, 20), (verdict.beyond, verdict.ceiling, 0)]
    named = [
        {"x": x(v), "text": name, "y": y, "anchor": "start" if x(v) < LEFT + WIDE / 2 else "end"}
        for name, v, y in marks
        if not np.isnan(v)
    ]
    shown = [{"x": x(v), "text": f"{v:g}"} for v in ticks(low)]
    alt = f"{counted(len(dots), 'photo')}, {_between(known)}"
    return {"dots": dots, "marks": named, "ticks": shown, "said": plot_said(found), "alt": alt}


def plot_said(found: Comparison) -> str:
    """How the plot is read."""
    flips = any(pair.flips for pair in found.pairs)
    lone = any(pair.boxes_differ for pair in found.pairs)
    marks = {"noise": found.verdict.floor, found.verdict.beyond: found.verdict.ceiling}
    held = [name for name, value in marks.items() if not np.isnan(value)]
    parts = ["A dot is a photo, further right is more alike (rank correlation of both maps)"]
    parts += ["red where B answers otherwise"] if flips else []
    parts += ["red where one model alone has a box"] if lone else []
    parts += [f"dashed: A's map against its own under noise{_beyond(held)}"] if held else []
    return "; ".join(parts) + "."


def ticks(low: float) -> list[float]:
    """Round numbers from `low` to 1, TICKS at most."""
    step = next((one for one in STEPS if (1 - low) / one <= TICKS - 1 + 1e-9), STEPS[-1])
    count = int((1 - low) / step + 1e-9)
    return [round(1 - step * i, 3) for i in range(count, -1, -1)]


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
    drawn = text.startswith(("A:", "B:", "B - A"))
    alt = f"Map of {text}" if drawn else f"Photo {text}"
    return {"png": b64encode(png(pixels)).decode(), "text": text, "alt": alt}


def _between(known: Array) -> str:
    if not known.size:
        return "none with a number"
    return f"agreement from {known.min():.3f} to {known.max():.3f}, median {np.median(known):.3f}"


def _beyond(held: Sequence[str]) -> str:
    return "".join(f", and against that of {name}" for name in held if name != "noise")
