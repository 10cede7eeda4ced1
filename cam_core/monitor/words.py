"""A log against its baseline in words: the verdict, and what makes it doubtful."""

from __future__ import annotations

from collections import Counter
from math import isinf

from .mix import LEAST
from .monitoring import MOST, Monitored
from .needed import baseline_needed
from .rows import SAID

NAMED = 3
"""Classes that are named."""


def word(found: Monitored) -> str:
    """the same, not the same, cannot say: as `compare` has them."""
    return {True: "not the same", False: "the same", None: "cannot say"}[found.alarm]


def line(found: Monitored) -> str:
    """The verdict."""
    text = f"{word(found)}: {_why(found)}"
    return f"{text}; {_mixed(found)}" if found.remixed else text


def _why(found: Monitored) -> str:
    rate = f"by chance 1 log in {1 / found.alpha:.0f} says so"
    if found.alarm:
        assert found.shift is not None
        moved = ", ".join(found.moved)
        return f"{moved} moved in {found.count} rows (p {found.shift.p.min():.2g}; {rate})"
    if found.alarm is False:
        assert found.shift is not None
        return (
            f"no shift of attention in {found.count} rows (p {found.shift.p.min():.2g}); one of "
            f"{found.shift.seen:.0%} of the rows would have been seen"
        )
    return too_few(found)


def too_few(found: Monitored) -> str:
    """How many rows are needed to say anything."""
    if isinf(found.needed):
        least = baseline_needed(found.alpha, len(found.names))
        return (
            f"the baseline has {len(found.baseline)} rows, and some {least} are needed: audit more "
            "photos"
        )
    kept = "" if found.count == len(found.log) else f" of {len(found.log)}"
    return f"{found.count}{kept} rows in the log are compared, {found.needed:.0f} are needed"


def _mixed(found: Monitored) -> str:
    share = f"p {found.mix:.2g}"
    if found.alarm:
        return f"the answers are mixed otherwise as well ({share}), which is not that"
    return f"the answers are mixed otherwise ({share})"


def said(found: Monitored) -> list[str]:
    """What there is to say before any number."""
    lines = [
        *_lacking(found),
        *_of_classes(found),
        *_of_sequence(found),
        *_of_model(found),
    ]
    if max(len(found.log), len(found.baseline)) > MOST:
        lines.append(f"of a side with more than {MOST:,} rows so many were drawn")
    return lines


def _lacking(found: Monitored) -> list[str]:
    lines = []
    if found.log.left_out:
        lines.append(f"{found.log.left_out} rows of the log lack a number or have NaN: left out")
    for one, other, what in (
        (found.log, found.baseline, "log"),
        (found.baseline, found.log, "baseline"),
    ):
        gone = [name for name in other.names if name not in one.names]
        if gone:
            lines.append(f"the {what} has no {', '.join(gone)}: not compared")
    return lines


def _of_classes(found: Monitored) -> list[str]:
    if found.strata is None:
        who = "log" if found.log.classes is None and found.log.labels is None else "baseline"
        return [
            f"no class of both: the {who} has none that the other knows, so that another mix of "
            "answers looks like a shift of attention"
        ]
    lines = []
    outside = found.strata.log < 0
    if outside.any():
        classes = found.log.classes or found.log.labels or ()
        names = Counter(c for c, out in zip(classes, outside, strict=True) if out)
        some = ", ".join(name or "none" for name, _ in names.most_common(NAMED))
        more = ", ..." if len(names) > NAMED else ""
        count = int(outside.sum())
        lines.append(
            f"{count} rows are of classes that the baseline has fewer than {LEAST} of, left out: "
            f"{some}{more}"
        )
    few = int((found.strata.log == len(found.strata.names) - 1).sum())
    if few:
        lines.append(f"{few} rows are of classes that are rare in both, held together as one")
    return lines


def _of_sequence(found: Monitored) -> list[str]:
    if found.alike <= 1:
        return []
    every = found.alike * found.every
    return [
        f"rows in sequence are alike, so that there are more false alarms than {found.alpha:g}: "
        f"take one of {every}, --every {every}"
    ]


def _of_model(found: Monitored) -> list[str]:
    missing = [name for name, key in SAID.items() if key == "model" and key not in found.log.said]
    return [f"no {missing[0]} in the log: nobody says that it is of this model"] if missing else []
