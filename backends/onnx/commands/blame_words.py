"""What `gradcam blame` says to people: the ranking, the curve, the set that is proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.cli.report import console, grid, line, lines
from cam_core.plural import counted

from ..blaming.curve import Drift
from ..blaming.keep_lists import keep_lists
from ..blaming.rating import Rating
from .blame_found import MEASURED, Found, Opened

LISTED = 12
"""How many tensors are listed, beside those of the set; --json gives all."""
ENOUGH = 24
"""Photos from which on the curve is one of the models, and not of the photos."""
COLUMNS = {"kind": "", "blame": "r", "SQNR": "r", "set": "r"}
"""Numbers of a tensor; the last is its place in the set that is proposed."""


def tell(opened: Opened, found: Found, files: Mapping[str, Any]) -> None:
    """All of it."""
    from rich.text import Text

    out, blame = console(), opened.blame
    kept = found.proposed.kept
    rows = list(enumerate(found.ratings, 1))
    rows = [(i, one) for i, one in rows if i <= LISTED or one.suspect.name in kept]
    out.print(
        grid(
            {"": "r", "tensor": "fold", **COLUMNS, "operators": "fold"},
            [_row(i, rating, kept) for i, rating in rows],
        ),
        soft_wrap=True,
    )
    out.print()
    headings = {"kept in float": "r", "drift": "r", "by SQNR": "r", "at random": "r"}
    headings |= {"worst map": "r", "map by SQNR": "r"}
    out.print(grid(headings, _curve(found)), soft_wrap=True)
    out.print()
    count = counted(len(found.ratings), "tensor")
    lines(out, [("score", blame.plain.score_name), ("photos", _photos(opened))])
    lines(out, [("input", opened.setup.fed), ("rated", count)])
    out_of = {line.partition(":")[0] for line in blame.suspects.unrated}
    why = Counter(line.partition(":")[0] for line in blame.suspects.unrated)
    lines(out, [("unrated", f"{why[kind]} {kind}") for kind in sorted(out_of)])
    lines(out, [("missed", text) for text in opened.missed])
    line(out, "named", _named(found, len(opened.measuring)))
    line(out, "propose", _proposal(found))
    if found.nearer:
        for tool, text in keep_lists(blame.suspects.named(kept)).items():
            out.print(Text.assemble((f"{tool:<12} ", "dim"), text), soft_wrap=True)
    if "repaired" in files:
        ran = files["verified"]
        text = f"{files['repaired']}  (run again: drift {_number(ran['rms'])})"
        line(out, "wrote", text)
    if "node_data" in files:
        line(out, "wrote", files["node_data"])


def _photos(opened: Opened) -> str:
    """Which ranked, and which measured."""
    ranking, measuring = len(opened.ranking), len(opened.measuring)
    if opened.ranking is opened.measuring:
        return f"{ranking}, which ranked and measured: give more for a fair curve"
    few = ": few, give some dozens" if ranking + measuring < ENOUGH else ""
    return f"{ranking} ranked, {measuring} others measured{few}"


def _named(found: Found, measured: int) -> str:
    """The tensors at fault, by name."""
    if not found.named and measured < MEASURED:
        some = counted(measured, "photo measures", "photos measure")
        return f"no tensor: {some}, which does not tell: give {2 * MEASURED} or more"
    if not found.named:
        return "no tensor: the drift is of many"
    names = ", ".join(found.named)
    if not np.isfinite(found.ratings[0].blame):
        return f"{names}: no number where it would be one in float"
    assert found.alone is not None
    after = found.alone.drift.rms
    return f"{names}: in float the drift is {_number(after)} instead of {_number(found.before.rms)}"


def _proposal(found: Found) -> str:
    """The set, in a line."""
    before, after = found.before.rms, found.proposed.drift.rms
    count = f"{found.keep} of {counted(len(found.ratings), 'tensor')} in float"
    if not found.nearer:
        return (
            f"nothing: {count} leave a drift of {_number(after)}, and without them it is "
            f"{_number(before)}"
        )
    return f"{count}: drift {_number(before)} -> {_number(after)}"


def _row(index: int, rating: Rating, kept: Sequence[str]) -> tuple[str, ...]:
    s = rating.suspect
    blame = _number(rating.blame) if rating.reaches else "-"
    if not np.isfinite(rating.blame):
        blame = "overflows"
    place = str(kept.index(s.name) + 1) if s.name in kept else ""
    facts = (s.kind, blame, f"{rating.sqnr:.1f} dB", place)
    return str(index), s.name, *facts, ", ".join(s.nodes)


def _curve(found: Found) -> list[Sequence[str]]:
    """One row a set, none first."""
    rows: list[Sequence[str]] = [("0", _number(found.before.rms), "", "", _map(found.before), "")]
    rms = sorted(draw.rms for draw in found.random)
    drawn = f"{_number(rms[0])} to {_number(rms[-1])}"
    for ours, theirs in zip(found.blamed, found.noisy, strict=True):
        rows.append(
            (
                str(len(ours.kept)),
                _number(ours.drift.rms),
                _number(theirs.drift.rms),
                drawn if len(ours.kept) == found.keep else "",
                _map(ours.drift),
                _map(theirs.drift),
            )
        )
    return rows


def _map(one: Drift) -> str:
    return "-" if one.worst_map is None else f"{one.worst_map:.3f}"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"
