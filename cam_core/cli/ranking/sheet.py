"""The picture: some photos, and beneath them a row of maps a method, the first by rank on top."""

from __future__ import annotations

from cam_core.backend import Array
from cam_core.image.figure import paint
from cam_core.image.panels import painted_sheet
from cam_core.plural import counted

from .result import FLIPS, Result
from .run import Shown
from .words import place


def sheet(result: Result) -> Array | None:
    """uint8 [H, W, 3]; None where there were no photos."""
    shown = result.run.shown
    if not shown:
        return None
    pictures = [(one.photo, f"{one.name}: {one.asked}") for one in shown]
    for name in (n for n in result.methods if n not in result.run.tally.refused):
        pictures += [painted(one, name, label(result, name)) for one in shown]
    metric = next(iter(result.by), "")
    lines = [f"in the order of {metric}; each map over its own maximum" if metric else "", FLIPS]
    title = counted(len(result.run.tally.at_work), "method")
    return painted_sheet(pictures, title=title, lines=lines, across=len(shown))


def label(result: Result, method: str) -> str:
    """Its name, and its place by the first metric."""
    metric = next(iter(result.by), "")
    row = result.row(metric, method) if metric else None
    if row is None or row.mean is None:
        return method
    return f"{place(row, result.by[metric])} {method} {row.mean.mean:.3g}"


def painted(shown: Shown, method: str, words: str) -> tuple[Array, str]:
    """One map over its photo."""
    if method not in shown.heats:
        return shown.photo, f"{words}: no map"
    heat = shown.heats[method]
    if heat is None:
        return shown.photo, f"{words}: blank"
    return paint(shown.photo, heat, shown.placement), words
