"""Draws docs/images/cost.png: how the cost grows with classes, depth, batch and resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .speed_page import series
from .speed_table import NAMES, Rows

COLOURS = {"resnet50": "#1f77b4", "mobilenet_v2": "#d95f02", "deit_s": "#2a9d6f"}
PANELS = (
    ("classes", "top:", "classes"),
    ("depth", "layer", "layer of ResNet-50"),
    ("batch", "batch ", "pictures in a batch"),
    ("resolution", "", "side of the picture"),
)
"""(part, how its points are called, the axis)."""


def draw(rows: Rows, path: Path) -> None:
    """Four panels, each in units of the plain forward pass."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (part, prefix, label) in zip(figure.subplots(1, 4), PANELS, strict=True):
        for key, colour in COLOURS.items():
            found = series(rows, part, key)
            points = {w.removeprefix(prefix): y for w, y in found.items() if w.startswith(prefix)}
            if part == "batch":
                points = {name: 1 / y for name, y in points.items()}
            if part == "resolution":
                points = {name.partition(" ")[0]: y for name, y in points.items()}
            _line(axes, points, NAMES[key], colour)
        if part == "depth":
            found = series(rows, part, "resnet50")
            own = {w[-1]: 1 + y for w, y in found.items() if w.startswith("after ")}
            _line(axes, own, "forward + its cost after the layer", "#999999", linestyle="--")
        axes.axhline(1, color="#cccccc", linewidth=1, zorder=0)
        axes.set_xlabel(label)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=7)
        axes.set_ylim(bottom=0.9)
    figure.axes[0].set_ylabel("cost of forward and map,\nin units of the forward")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _line(axes: Any, points: dict[str, float], name: str, colour: str, **style: Any) -> None:
    if points:
        axes.plot(
            list(points), list(points.values()), marker="o", color=colour, label=name, **style
        )
