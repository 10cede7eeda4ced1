"""From the evidence on a head to its rows in docs/methods.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.ranking.evidence import FAITHFUL, PLACED, Evidence, best_threshold
from benchmarks.ranking.heads import HEADS
from cam_core.ranking import Ranked

USUAL_THRESHOLDS = (0.15, "otsu")
"""Selvaraju et al. 2017, which `gradcam boxes` has as well; Otsu 1979."""
SHOWN = 6
"""Methods that are named of those that tie; the others are counted."""


def first(rows: Sequence[Ranked]) -> str:
    """The best, its interval, and what ties with it."""
    known = [one for one in rows if one.place == 1 and one.mean is not None]
    best, *others = known
    named = [one.method for one in others][:SHOWN]
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    ties = f"; ties: {', '.join(named)}{more}" if named else ""
    return f"{best.method} {interval(best)}{ties}"


def interval(one: Ranked) -> str:
    """`0.62 [0.55, 0.69]`."""
    assert one.mean is not None
    return f"{one.mean.mean:.2f} [{one.mean.low:.2f}, {one.mean.high:.2f}]"


def place_of(rows: Sequence[Ranked], method: str) -> str:
    """Its number and place, `1=` where it shares it."""
    own = next((one for one in rows if one.method == method and one.mean is not None), None)
    if own is None:
        return "-"
    shared = "=" if sum(one.place == own.place for one in rows) > 1 else ""
    return f"{interval(own)}, {own.place}{shared}"


def tables(found: Mapping[str, Evidence]) -> str:
    """All of it, by head."""
    return "\n\n".join(
        [
            "#### Where the maps lie: energy in box",
            placed(found),
            "#### What hiding costs: insertion and deletion",
            faithful(found),
            "#### Which threshold draws the box",
            thresholds(found),
        ]
    )


def renewed(old: str, new: str) -> str:
    """Some tables with the rows of others, which have the same headings and fewer heads."""
    before, after = (text.split("\n\n") for text in (old, new))
    fresh = dict(zip(after[::2], after[1::2], strict=True))
    made = [
        block if i == 0 or before[i - 1] not in fresh else _with_rows(block, fresh[before[i - 1]])
        for i, block in enumerate(before)
    ]
    return "\n\n".join(made)


def _with_rows(old: str, new: str) -> str:
    """One table, in the order of HEADS; a row of a head that is in both is the new one."""
    top, rows = old.splitlines()[:2], [*old.splitlines()[2:], *new.splitlines()[2:]]
    own = {key: row for row in rows for key in HEADS if _is_of(row, key)}
    return "\n".join([*top, *(own[key] for key in HEADS if key in own)])


def _is_of(row: str, key: str) -> bool:
    """Does a row begin with the head, and maybe with how often it is right?"""
    first = row.removeprefix("| ").split(" |")[0]
    return first == HEADS[key].told or first.startswith(f"{HEADS[key].told}, ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def placed(found: Mapping[str, Evidence]) -> str:
    """Of those of one look, of all, and of what is taken."""
    rows = []
    for name, one in found.items():
        energy, pointing = (one.by(metric, quickly=True) for metric in PLACED)
        right = f", {np.mean(one.right):.0%} right" if one.right else ""
        rows.append(
            [
                f"{HEADS[name].told}{right}",
                first(energy),
                first(pointing),
                first(one.by(PLACED[0])),
                f"`{one.best}` {place_of(energy, one.best)}",
            ]
        )
    columns = ("energy, of one look", "pointing game, of one look", "energy, of all", "`best`")
    return table(("head", *columns), rows)


def faithful(found: Mapping[str, Evidence]) -> str:
    """Of those of one look."""
    rows = [
        [HEADS[name].told, *(first(one.by(metric, quickly=True)) for metric in FAITHFUL)]
        for name, one in found.items()
    ]
    return table(("head", "insertion ↑", "deletion ↓"), rows)


def thresholds(found: Mapping[str, Evidence]) -> str:
    """Of what `best` takes."""
    rows = []
    for name, one in found.items():
        drawn = best_threshold(one.overlaps[one.best])
        rows.append(
            [
                HEADS[name].told,
                f"`{one.best}`",
                f"{drawn.threshold}",
                f"{drawn.overlap.mean:.2f} [{drawn.overlap.low:.2f}, {drawn.overlap.high:.2f}]",
                ", ".join(map(str, drawn.ties)) or "none",
                *(f"{drawn.at[threshold]:.2f}" for threshold in USUAL_THRESHOLDS),
            ]
        )
    usual = (f"IoU at {threshold}" for threshold in USUAL_THRESHOLDS)
    return table(("head", "`best`", "threshold", "IoU of the box", "ties", *usual), rows)
