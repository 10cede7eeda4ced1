"""Is it the photos' preparation that sets B apart? The doctor's presets, tried where it is likely.

A preset that explains a difference explains it where that is largest: so all are tried on the one
photo whose scores lie furthest apart, and what agrees there on some more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array, Backend
from ..doctor import Candidate, colours, fits, flags
from ..doctor.candidates import same
from ..doctor.examine import AGREES, MORE, closeness, correlation
from ..doctor.verdict import judge
from ..errors import CamError
from ..metrics.intervals import Interval
from ..targets.scores import pool
from .bounds import NOISE
from .photos import Pair
from .spread import median_interval
from .verdict import ratings

PHOTOS = 6
"""A preset that agrees on the worst photo is tried on so many."""
LEAVES = 0.25
"""It explains a difference where it leaves at most so much of it."""
FEWEST = 3
"""Classes without which a correlation says nothing."""


@dataclass(frozen=True)
class Presets:
    """What was tried on B, and what of it explains the difference."""

    tried: int
    fed: float
    """Correlation of B's scores with A's as B is fed (mean over the photos furthest apart)."""
    named: tuple[str, ...] = ()
    """The presets that agree; () of none."""
    agrees: float = float("nan")
    """The correlation of the first of them."""
    flags: str = ""
    """How `gradcam` is told of it."""

    @property
    def said(self) -> str:
        """In a line; '' where nothing is named."""
        if not self.named:
            return ""
        ways = " or ".join(self.named)
        typed = f" ({self.flags})" if self.flags else ""
        now = f"{self.fed:.3f} as it is fed, on the photos furthest apart"
        return f"B agrees ({self.agrees:.3f}; {now}) when fed {ways}{typed}"


def beyond_noise(pairs: Sequence[Pair]) -> bool:
    """Does the interval of the median agreement lie outside of that which noise leaves?"""
    r = ratings(pairs)
    noise = [pair.bounds[NOISE] for pair in pairs if NOISE in pair.bounds]
    if np.isnan(r).all() or not noise or np.isnan(noise).all():
        return False
    found: Interval = median_interval(r)
    return found.high < median_interval(noise).low


def try_presets(
    b: Backend,
    used: Candidate,
    photo: Callable[[int], Array | None],
    scores: tuple[Array, Array],
    *,
    fitted: bool = False,
) -> Presets | None:
    """Which way of feeding B makes its scores those of A.

    r of a photo: Pearson's correlation of the scores of all classes.

    Args:
        b: the model.
        used: how it is fed now.
        photo: the pixels uint8 [H, W, 3] of a row; None where there are none.
        scores: [N, C] of A, and of B as it is fed, class by class.
        fitted: try other ways to fit a photo as well.

    Returns:
        None where that cannot be told: no pixels, or too few classes.
    """
    a, own = scores
    if a.shape != own.shape or a.shape[1] < FEWEST:
        return None
    r = np.array([correlation(one, other) for one, other in zip(a, own, strict=True)])
    rows = [int(i) for i in np.argsort(r, kind="stable")[:PHOTOS]]
    pixels = [photo(i) for i in rows]
    known = [p for p in pixels if p is not None]
    if len(known) < len(pixels):
        return None
    ways = colours(used.spec, used.info, reshaped=True) + (fits(used) if fitted else [])
    ways = [way for way in ways if not same(way, used)]

    def rate(way: Candidate, count: int) -> list[float]:
        pairs = zip(rows[:count], known[:count], strict=True)
        return [_agreement(b, way, shown, a[i]) for i, shown in pairs]

    likely = [way for way in ways if _explains(rate(way, 1), r[rows[:1]])]
    found = [(way, np.array(rate(way, PHOTOS))) for way in likely]
    found = [(way, values) for way, values in found if _explains(values, r[rows])]
    if not found:
        return Presets(len(ways), float(r[rows].mean()))
    values = [r[rows], *(values for _, values in found)]
    best = judge(values, 0, least=AGREES, margin=MORE, of=closeness)
    named = [found[i - 1] for i in best.named if i]
    if not named:
        return Presets(len(ways), float(r[rows].mean()))
    way, agreed = named[0]
    said = "" if way.reshaped else flags(way)
    names = tuple(one.name for one, _ in named)
    return Presets(len(ways), float(r[rows].mean()), names, float(agreed.mean()), said)


def _explains(values: Sequence[float] | Array, fed: Array) -> bool:
    """Does it agree, and leave next to nothing of the difference?"""
    mean, now = float(np.mean(values)), float(np.mean(fed))
    return mean >= AGREES and 1 - mean <= LEAVES * (1 - now)


def _agreement(b: Backend, way: Candidate, photo: Array, reference: Array) -> float:
    """0 where the model does not take such an input."""
    try:
        y = pool(b.look(way.x(photo), layers=()).score, b.class_axis)[0]
    except CamError:
        return 0.0
    return correlation(y, reference) if y.shape == reference.shape else 0.0
