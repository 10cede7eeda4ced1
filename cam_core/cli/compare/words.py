"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.compare.agreement import MEASURES
from cam_core.compare.bounds import FORWARD_ONLY
from cam_core.compare.limits import Checked
from cam_core.compare.photos import Pair
from cam_core.compare.record import METRICS
from cam_core.compare.run import Comparison
from cam_core.compare.verdict import bound
from cam_core.plural import counted

from ..report import console, grid, lines

LACKING = {"misses": "B", "ghosts": "A"}
"""Boxes of one model alone, and which has them not."""
MISSED = 4
"""Such boxes that are named."""
SHOWN = 12
"""Photos in the table; all are in compare.json."""


def show(found: Comparison, said: Sequence[str], more: Sequence[tuple[str, str]]) -> None:
    """What is said first, the verdict, the table with the worst first, and where it comes from."""
    out = console()
    lines(out, [("note", text) for text in said])
    lines(out, [("verdict", found.verdict.line)])
    worst = found.worst_first[:SHOWN]
    out.print(grid(columns(found), [row(found, found.pairs[i]) for i in worst]))
    lines(out, [*facts(found), *more])


def columns(found: Comparison) -> dict[str, str]:
    """Of the table."""
    numbers = [*MEASURES, "gain", "score A", "score B"]
    says = ["A says"] * another_asked(found) + ["B says"]
    return dict.fromkeys(("photo", "about", *says), "fold") | dict.fromkeys(numbers, "r")


def row(found: Comparison, pair: Pair) -> list[str]:
    """One photo."""
    says = [one.label if pair.flips else "" for one in pair.answers or ()] or ["", ""]
    numbers = [cell(pair.measures[name]) for name in (*MEASURES, "gain")]
    scores = [f"{score:.4g}" for score in pair.scores]
    return [pair.name, pair.target, *says[not another_asked(found) :], *numbers, *scores]


def another_asked(found: Comparison) -> bool:
    """Are there maps of what A does not say, where B says something else than A?"""
    return any(
        pair.flips and pair.answers is not None and pair.answers[0].label != pair.target
        for pair in found.pairs
    )


def told(found: Comparison) -> list[tuple[str, str]]:
    """What the words and numbers of the table mean."""
    about = [("about", "what both maps show the evidence for")]
    return [*about, *((name, METRICS[name]) for name in columns(found) if name in METRICS)]


def cell(value: float) -> str:
    """A number, or a dash."""
    return "-" if np.isnan(value) else f"{value:.3f}"


def facts(found: Comparison) -> list[tuple[str, str]]:
    """What stands beneath the table."""
    told = [("layer", one.said) for one in found.sides.layers]
    told.append(("method", found.sides.how))
    count = len(found.pairs)
    rest = f"; the {SHOWN} worst of them above" if count > SHOWN else ""
    told.append(("photos", f"{count}, {sampled(found)}{rest}"))
    told += boxes_said(found.pairs)
    if found.presets is not None and not found.presets.named:
        tried = f"{found.presets.tried} ways to feed B tried, none explains the difference"
        told.append(("presets", tried))
    known = [pair.measures["places"] for pair in found.pairs if "places" in pair.measures]
    if known:
        told.append(("places", f"{np.median(known):.1%} of them are of one class in both (median)"))
    forward = bound(found.pairs, FORWARD_ONLY)
    if found.forward_only and not np.isnan(forward):
        some = counted(found.forward_only, "photo")
        how = f"without a gradient (reciprocam) the median agreement on {some} is"
        told.append(("int8", f"{how} {forward:.3f}, as int8 has its gradient straight through"))
    return told


def sampled(found: Comparison) -> str:
    """What floor and ceiling were measured on."""
    if not found.sample:
        return "no floor and no ceiling"
    return f"floor and ceiling on {found.sample} of them"


def boxes_said(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """How many boxes both have, and the first that one lacks."""
    known = [(pair.name, pair.boxes) for pair in pairs if pair.boxes is not None]
    if not known:
        return []
    shared = [one for _, boxes in known for one in boxes["pairs"]]
    gone = [(name, kind, one) for name, of in known for kind in LACKING for one in of[kind]]
    iou = f", mean overlap {np.mean([one['iou'] for one in shared]):.3f}" if shared else ""
    counts = [sum(kind == which for _, which, _ in gone) for kind in LACKING]
    found = [
        ("boxes", f"{len(shared)} of both{iou}; {counts[0]} of A alone, {counts[1]} of B alone")
    ]
    for name, kind, one in gone[:MISSED]:
        box, side = one["box"], LACKING[kind]
        what = box["label"] or f"class {box['class']}"
        why = one[f"in_{side.casefold()}"]["why"]
        found.append((kind, f"{name}: {what} ({strength(box):.3g}) is not in {side}: {why}"))
    return found


def strength(box: Mapping[str, Any]) -> float:
    """The probability where there is one, else the score."""
    p = box.get("probability")
    return float(box["score"] if p is None else p)


def limits_said(checked: Sequence[Checked]) -> list[tuple[str, str]]:
    """Each limit, and whether it holds."""
    return [("FAILED" if one.failed else "holds", one.line) for one in checked]
