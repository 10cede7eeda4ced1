"""Draws docs/images/cost.png: how the cost grows with classes, depth, batch and resolution."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .page import series
from .table import NAMES, Rows

COLOURS = {"resnet50": "#1f77b4", "mobilenet_v2": "#d95f02", "deit_s": "#2a9d6f"}
PANELS = {
    "classes": r"top:(\d+)",
    "depth": r"layer(\d)",
    "batch": r"batch (\d+)",
    "resolution": r"(\d+) x",
}
"""Part -> how its points are called."""
LABELS = ("classes", "layer of ResNet-50", "pictures in a batch", "side of the picture")
OWN = "forward + its own cost after the layer"


def draw(rows: Rows, path: Path) -> None:
    """Four panels, each in units of the plain forward pass."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    handles: dict[str, Any] = {}
    for axes, (part, pattern), label in zip(
        figure.subplots(1, 4), PANELS.items(), LABELS, strict=True
    ):
        for key, colour in COLOURS.items():
            found = _points(series(rows, part, key), pattern)
            if part == "batch":  # there it is images per second
                found = {x: 1 / y for x, y in found.items()}
            handles |= _line(axes, found, NAMES[key], colour)
        if part == "depth":
            after = _points(series(rows, part, "resnet50"), r"after layer(\d)")
            own = {x: 1 + y for x, y in after.items()}
            handles |= _line(axes, own, OWN, "#999999", linestyle="--")
        _frame(axes, part, label)
    figure.axes[0].set_ylabel("cost of forward and map,\nin units of the forward")
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _points(found: dict[str, float], pattern: str) -> dict[int, float]:
    """Number -> figure, of those whose name begins so."""
    matches = ((re.match(pattern, what), figure) for what, figure in found.items())
    return {int(match[1]): figure for match, figure in matches if match}


def _line(
    axes: Any, points: dict[int, float], name: str, colour: str, **style: Any
) -> dict[str, Any]:
    if not points:
        return {}
    (line,) = axes.plot(list(points), list(points.values()), marker="o", color=colour, **style)
    return {name: line}


def _frame(axes: Any, part: str, label: str) -> None:
    ticks = sorted({int(x) for line in axes.lines for x in line.get_xdata()})
    axes.axhline(1, color="#cccccc", linewidth=1, zorder=0)
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(0.9, max(1.2, axes.get_ylim()[1]))
    if part == "batch":
        axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(x) for x in ticks])
    if part == "depth":
        axes.invert_xaxis()
