"""Do both models look at the same thing? One line, in units of noise and of another class.

The agreement r of a photo is Spearman's rank correlation of both signed maps at layer resolution.
The way from A to something else is measured on the sample: its floor is the median r of A with
itself under one grey level of noise, its ceiling the median r of A's map of another class or, where
that is lower or there is none, of A with shuffled weights. The way of a photo is

    u = (floor - r) / (floor - ceiling)

so 0 (or less) is as alike as A is to itself, and 1 as another class. A photo where one model has a
map and the other none has r = 0.

- "the same": the interval of the median u ends at SAME or before, no photo is beyond CLOSE, the
  answers flip no more often than noise flips A's, and the raw maxima are within GAIN of each other.
- "nearly the same": the interval ends at CLOSE or before, and neither answers nor raw maxima are
  far.
- "not the same": the interval begins beyond CLOSE, or answers or raw maxima are far.
- "not clear": the interval holds CLOSE.
- "cannot say": fewer than 6 photos have a number (the fewest where a sign test of 95 % can tell),
  or noise changes A's map about as much as another class does, or nobody knows (two recordings).

Of the median the interval is drawn by photos (bootstrap, 95 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from ..backend import Array
from ..metrics.intervals import LEVEL, Interval
from ..plural import counted
from ..ranking.order import fewest
from ..targets.target import PLACE, UNRELATED
from .bounds import NOISE, NOISE_FLIP, NOISE_GAIN, SHUFFLED
from .photos import Pair
from .spread import median_interval

SAME, CLOSE = 0.01, 0.1
"""Parts of the way to another class."""
GAIN, FAR_GAIN = 1.05, 1.25
"""By what factor raw maxima may differ for "the same", and for "nearly the same"."""
FAR_FLIPS = 0.1
"""Answers are far where surely more than this part of photos flips (Clopper and Pearson 1934)."""
NARROW = 0.1
"""A way from floor to ceiling shorter than that is none."""
WORDS = ("the same", "nearly the same", "not clear", "not the same", "cannot say")


@dataclass(frozen=True)
class Verdict:
    """In one word, and what it is made of."""

    word: str
    """One of WORDS."""
    agreement: Interval | None
    """Of the median of r."""
    floor: float
    """Median r of A with itself under noise; NaN where nobody made noise."""
    ceiling: float
    """Median r of A with what is something else."""
    beyond: str
    """What that is."""
    way: Interval | None
    """Of the median u."""
    reasons: tuple[str, ...]
    """Why it is not "the same"."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        if self.agreement is None:
            return f"{self.word}: {'; '.join(self.reasons)}"
        r = self.agreement
        known = [f"agreement {r.mean:.3f} [{r.low:.3f}, {r.high:.3f}] of 1"]
        known += [] if np.isnan(self.floor) else [f"noise floor {self.floor:.3f}"]
        known += [] if np.isnan(self.ceiling) else [f"{self.beyond} {self.ceiling:.2f}"]
        why = f"; {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.word}: {', '.join(known)}{why}"


def verdict(pairs: Sequence[Pair]) -> Verdict:
    """Of all photos."""
    r = ratings(pairs)
    if not len(r) or np.isnan(r).all():
        none = "no photo has a map in either model"
        return Verdict("cannot say", None, np.nan, np.nan, "", None, (none,))
    agreement = median_interval(r)
    floor, (beyond, ceiling) = bound(pairs, NOISE), _ceiling(pairs)
    known = Verdict("", agreement, floor, ceiling, beyond, None, ())
    top = 1.0 if np.isnan(floor) else floor
    if np.isnan(ceiling) or top - ceiling < NARROW:
        others = [why for _, why in (_by_answers(pairs), _by_gain(pairs)) if why]
        return _said(known, "cannot say", [_no_way(known, pairs), *others])
    way = (top - r) / (top - ceiling)
    told = Verdict("", agreement, floor, ceiling, beyond, median_interval(way), ())
    assert told.way is not None
    if agreement.rows < fewest(LEVEL):
        some = counted(agreement.rows, "photo is", "photos are")
        few = f"{some} too few to say: {fewest(LEVEL)} at least"
        far = [why for _, why in _apart(pairs, told.way, way, beyond) if why]
        return _said(told, "cannot say", [few, *far])
    found = _apart(pairs, told.way, way, beyond)
    word = max((word for word, _ in found), key=WORDS.index)
    return _said(told, word, [why for _, why in found if why])


def ratings(pairs: Sequence[Pair]) -> Array:
    """r of each photo [N]: 0 where one model has a map and the other none, NaN where neither."""
    found = []
    for pair in pairs:
        blank = [one.blank for one in pair.maps]
        r = pair.measures["spearman"]
        found.append(np.nan if all(blank) else 0.0 if any(blank) or np.isnan(r) else r)
    return np.array(found)


def bound(pairs: Sequence[Pair], name: str) -> float:
    """The median of one row of the bounds over the sample; NaN where there is none."""
    known = [pair.bounds[name] for pair in pairs if name in pair.bounds]
    known = [value for value in known if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def far_off(pairs: Sequence[Pair]) -> tuple[str, float] | None:
    """Another class or place that is a way off; None where shuffled weights are needed."""
    for name in (UNRELATED, PLACE):
        if (value := bound(pairs, name)) <= 1 - 5 * NARROW:
            return name, value
    return None


def _ceiling(pairs: Sequence[Pair]) -> tuple[str, float]:
    """Another class or place; where that is no way off, the lowest, also of shuffled weights."""
    if (far := far_off(pairs)) is not None:
        return far
    found = {name: bound(pairs, name) for name in (UNRELATED, PLACE, SHUFFLED)}
    known = {name: value for name, value in found.items() if not np.isnan(value)}
    name = min(known, key=lambda one: known[one], default="")
    return name, known.get(name, float("nan"))


def _apart(
    pairs: Sequence[Pair], middle: Interval, way: Array, beyond: str
) -> list[tuple[str, str]]:
    """(the best word that it allows, why no better) by maps, answers and raw maxima."""
    return [_by_maps(pairs, middle, way, beyond), _by_answers(pairs), _by_gain(pairs)]


def _by_maps(pairs: Sequence[Pair], middle: Interval, way: Array, beyond: str) -> tuple[str, str]:
    lost = _lost(pairs)
    if lost and middle.high > SAME:
        return "not the same" if middle.low > CLOSE else "not clear", lost
    worst = int(np.nanargmax(way))
    said = f"'{pairs[worst].name}' is {way[worst]:.0%} of the way to {beyond}"
    if middle.high <= SAME and way[worst] <= CLOSE:
        return "the same", ""
    if middle.high <= CLOSE:
        far = f"{middle.mean:.1%}" if middle.mean > SAME else f"up to {middle.high:.1%}"
        gone = f"maps are {far} of the way to {beyond}"
        return "nearly the same", said if way[worst] > CLOSE else gone
    median, low, high = (_percent(value) for value in (middle.mean, middle.low, middle.high))
    part = f"maps are {median} [{low}, {high}] of the way to"
    return ("not the same" if middle.low > CLOSE else "not clear"), f"{part} {beyond}"


def _percent(value: float) -> str:
    """Whole ones, without a sign of none."""
    return "0%" if (found := f"{value:.0%}") == "-0%" else found


def _lost(pairs: Sequence[Pair]) -> str:
    """Of which photos one model has a map and the other none, and why; '' of none."""
    for side, name in ((1, "B"), (0, "A")):
        gone = [p for p in pairs if p.maps[side].blank and not p.maps[1 - side].blank]
        if gone:
            why = gone[0].maps[side].diagnosis or "nothing above 0"
            return f"{name} has no map of {counted(len(gone), 'photo')} ({why})"
    return ""


def _by_answers(pairs: Sequence[Pair]) -> tuple[str, str]:
    boxes = [pair.boxes_differ for pair in pairs if pair.boxes is not None]
    known = boxes or [pair.flips for pair in pairs if pair.answers is not None]
    if not any(known):
        return "the same", ""
    share, noise = float(np.mean(known)), _mean([p.bounds.get(NOISE_FLIP) for p in pairs])
    what = "boxes of one model alone are" if boxes else "answers differ"
    said = f"{what} on {sum(known)} of {counted(len(known), 'photo')}"
    if share <= noise:
        return "the same", f"{said}, as under noise"
    surely = least_share(sum(known), len(known))
    return ("nearly the same" if surely <= FAR_FLIPS else "not the same"), said


def least_share(count: int, of: int) -> float:
    """The lower end of the share of which so many were seen, surely by LEVEL.

    Clopper and Pearson 1934: the exact interval of a binomial distribution.
    """
    from scipy.special import betaincinv

    return float(betaincinv(count, of - count + 1, (1 - LEVEL) / 2)) if count else 0.0


def _by_gain(pairs: Sequence[Pair]) -> tuple[str, str]:
    """By the median of |log gain|; noise may have a larger one than GAIN."""
    gains = [pair.measures["gain"] for pair in pairs if not np.isnan(pair.measures["gain"])]
    if not gains:
        return "the same", ""
    middle = float(np.median(np.abs(np.log(gains))))
    noise = [pair.bounds.get(NOISE_GAIN) for pair in pairs]
    moved = [abs(log(g)) for g in noise if g is not None and g > 0]
    least = max(log(GAIN), 2 * float(np.median(moved)) if moved else 0.0)
    if middle <= least:
        return "the same", ""
    typical = float(np.exp(np.median(np.log(gains))))
    said = f"B's maps are {typical:.3g} times as high (median; each off by {exp(middle):.3g})"
    return ("nearly the same" if middle <= log(FAR_GAIN) else "not the same"), said


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else 0.0


def _no_way(known: Verdict, pairs: Sequence[Pair]) -> str:
    if not any(pair.bounds for pair in pairs):
        return "nothing to hold it against: floor and ceiling were not measured"
    if np.isnan(known.ceiling):
        return "nothing to hold it against: no other class, and no shuffled weights"
    return (
        f"A's map of {known.beyond} is as alike ({known.ceiling:.2f}) as noise leaves its own "
        f"({known.floor:.2f}): maps of this layer do not tell"
    )


def _said(known: Verdict, word: str, reasons: Sequence[str]) -> Verdict:
    return replace(known, word=word, reasons=tuple(reasons))
