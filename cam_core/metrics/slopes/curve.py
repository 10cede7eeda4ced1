"""Y along a straight line through A: its slope by differences alone, and where it has a kink."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...backend import Array
from ...targets import ScoredTarget

UNIT = 2.0**-3
"""The step of number 0, in units of the activations' own size; each is half the one before."""
FIRST, LAST = -5, 17
"""The numbers of the largest step and of the smallest."""
BLUR, SAMPLES = 8, 3
"""What rounding moves A by, in units of float32's; so many such moves are tried."""
FINEST = 32
"""The number of the first step in float64, where rounding leaves it; ten more may follow."""


@dataclass(frozen=True)
class Curve:
    """Y as a function of A; what stands still while A moves is not run again."""

    tail: Callable[[Array], Array]
    target: ScoredTarget
    A: Array
    kind: np.dtype[Any]
    """Of the score."""
    fine: bool = False
    """Is the tail in float64, which has room for steps that meet hardly any kink?"""

    def score(self, offset: Array) -> float:
        """Y(A + offset), summed over the batch."""
        y = self.tail((self.A.astype(np.float64) + offset).astype(self.A.dtype))
        return float(np.sum(self.target.score(y.astype(np.float64))))

    @cached_property
    def size(self) -> float:
        """The root of the mean square of A; 1 where A is 0."""
        return float(np.sqrt(np.mean(np.square(self.A, dtype=np.float64)))) or 1.0

    @cached_property
    def middle(self) -> float:
        """Y(A)."""
        return self.score(np.zeros(self.A.shape))

    @cached_property
    def noise(self) -> float:
        """What rounding does to one Y, seen over no distance.

        E(t) = Y(t) + Y(-t) - 2 Y(0) falls with t^2, with t at a kink: what is left of
        E(2t) - 2 E(t) is rounding, of 14 times the variance of one Y.
        """
        tiny = 16 * float(np.finfo(self.A.dtype).eps) * self.size
        d = tiny * np.asarray(np.random.default_rng(1).standard_normal(self.A.shape))
        bent = [self.score(t * d) + self.score(-t * d) - 2 * self.middle for t in (1, 2, 4)]
        left = max(abs(b - 2 * a) for a, b in itertools.pairwise(bent))
        return max(left / math.sqrt(14), float(np.finfo(self.kind).eps) * abs(self.middle) / 2)

    def blur(self, d: Array, h: float) -> float:
        """What the slope along d changes by where A moves by rounding: of a few, the mean square.

        In a model of float32 those units that are 0 but for rounding are on or off by chance, and
        G is that of one such choice.
        """
        rng, slopes = np.random.default_rng(2), []
        for move in (0, *[BLUR * float(np.finfo(np.float32).eps) * self.size] * SAMPLES):
            at = move * rng.standard_normal(self.A.shape)
            slopes.append((self.score(at + h * d) - self.score(at - h * d)) / (2 * h))
        return float(np.sqrt(np.mean(np.square(np.subtract(slopes[1:], slopes[0])))))

    def start(self, wanted: float) -> int:
        """The number of the first step: 0, or what keeps rounding to the `wanted` error.

        A fine one is the smallest that does: fewest kinks lie within.
        """
        steps = range(FINEST if self.fine else 0, FIRST, -1)
        return next((k for k in steps if self.noise <= wanted * UNIT * 2.0**-k), FIRST)

    def ladder(self, d: Array, first: int = 0, last: int = LAST) -> Iterator[Rung]:
        """Both one-sided slopes along d, two runs a step."""
        for k in range(first, last + 1):
            h = UNIT * 2.0**-k
            ahead, behind = self.score(h * d) - self.middle, self.middle - self.score(-h * d)
            yield Rung(k, h, ahead / h, behind / h, self.noise / h)


@dataclass(frozen=True)
class Rung:
    """The slopes at one step h."""

    index: int
    h: float
    ahead: float
    """(Y(A + h d) - Y(A)) / h."""
    behind: float
    """(Y(A) - Y(A - h d)) / h."""
    noise: float
    """What rounding may do to either."""

    @property
    def central(self) -> float:
        """(Y(A + h d) - Y(A - h d)) / 2h."""
        return (self.ahead + self.behind) / 2

    @property
    def jump(self) -> float:
        """What the slopes differ by: it falls with h where Y is smooth, and stays at a kink."""
        return self.ahead - self.behind


@dataclass(frozen=True)
class Estimate:
    """The slopes at h = 0, from three neighbouring steps; no G in it."""

    index: int
    h: float
    slope: float
    error: float
    """How far off it may be: what the step before said, and rounding."""
    noise: float
    """Rounding alone."""
    jump: float
    """Slope ahead less slope behind."""
    jump_error: float


def estimate(far: Rung, mid: Rung, near: Rung) -> Estimate:
    """Central slopes are off by c h^2, so (4 S(h) - S(2h)) / 3 is not; jumps by c h.

    How far that may be trusted: what it changed, or an eighth of what a last halving did, for two
    may be the same by chance.
    """
    slopes = [(4 * b.central - a.central) / 3 for a, b in ((far, mid), (mid, near))]
    jumps = [2 * b.jump - a.jump for a, b in ((far, mid), (mid, near))]
    error = max(abs(slopes[1] - slopes[0]), abs(near.central - mid.central) / 8)
    jump_error = abs(jumps[1] - jumps[0])
    if not math.isfinite(error + jump_error + near.noise):
        return Estimate(near.index, near.h, 0.0, math.inf, near.noise, 0.0, math.inf)
    return Estimate(
        near.index,
        near.h,
        slopes[1],
        error + near.noise,
        near.noise,
        jumps[1],
        jump_error + 4 * near.noise,
    )
