"""An audit on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.audit.measure.metrics import Estimate
from cam_core.audit.summary import Baseline, Summary
from cam_core.audit.summary.shortcuts import Bias
from cam_core.compare.limits import Checked
from cam_core.plural import counted

from ..compare.words import limits_said
from ..ranking.pace import in_words
from ..report import console, grid, lines
from .page import between, said

SHOWN = (
    *("correct", "confidence", "spearman", "iou", "gain", "flips", "way", "energy_object"),
    *("energy_other", "energy_background", "energy_border", "blank", "failed"),
)
"""Numbers of the table; all are in report.json."""
ERRORS = 5


def show(
    found: Summary,
    facts: Mapping[str, Any],
    checked: Sequence[Checked],
    baseline: Baseline | None,
    names: Sequence[str],
) -> None:
    """The verdict, a table of numbers, what was skipped, and where the files are."""
    out = console()
    lines(out, [("verdict", found.line)])
    known = facts["statistics"]
    rows = [
        [name, str(known[name]["photos"]), said(known[name]["mean"]), between_of(known[name])]
        for name in [*SHOWN, *found.table.metrics]
        if name in known and known[name]["photos"]
    ]
    out.print(grid({"number": "", "photos": "r", "mean": "r", "95 %": ""}, rows))
    told = [("skipped", f"{why} ({n})") for why, n in list(facts["errors"].items())[:ERRORS]]
    told += [("shortcut", f"{one.answer}: {one.flag}") for one in found.clusters if one.flag]
    told += [("off", bias_said(one)) for one in found.biases]
    if baseline is not None:
        told += baseline_said(baseline)
    lines(out, [*told, *limits_said(checked), *(("wrote", name) for name in names)])


def bias_said(one: Bias) -> str:
    """An answer whose maps lie off the object."""
    even = f"an even one would have {one.even:.1%}"
    return f"{one.answer}: {one.on_object:.1%} of the map is on the object, {even}"


def between_of(one: Mapping[str, Any]) -> str:
    """The interval of a mean."""
    return between(one["mean_interval"])


def baseline_said(of: Baseline) -> list[tuple[str, str]]:
    """What surely moved."""
    moved = [
        f"{name} {one.then:.4g} -> {one.now:.4g}" for name, one in of.numbers.items() if one.surely
    ]
    said = "; ".join(moved) if moved else "no number has moved for sure"
    return [("baseline", of.said), ("moved", said)]


def cost_said(known: Estimate) -> list[str]:
    """What the metrics that were asked for cost, and which the first photos have no number of."""
    forwards = counted(known.forwards, "forward pass", "forward passes")
    seconds = known.seconds * known.photos
    said = (
        f"{', '.join(known.metrics)}: {forwards} and {known.backwards} back a photo more, "
        f"{known.seconds:.2g} s as measured; about {in_words(seconds)} for "
        f"{counted(known.photos, 'photo')} in one process"
    )
    missing = known.missing.items()
    return [said, *(f"{name}: no number of the first photos: {why}" for name, why in missing)]
