"""What the photos say for one way of feeding a model, and where they leave it open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array

SURE = 0.95
"""How sure one must be that a way is ahead of another, by Student's t over the photos."""


@dataclass(frozen=True)
class Verdict:
    """Of several ways, by the mean of a number over photos, the higher the better."""

    order: tuple[int, ...]
    """The best first."""
    tied: tuple[int, ...]
    """Those that the photos do not tell from the best, the best first."""
    enough: bool
    """Is the best as good as one must be?"""
    named: tuple[int, ...]
    """Those to feed instead; () where that which is used is among the best, or none will do."""

    @property
    def best(self) -> int:
        """The best one."""
        return self.order[0]


def judge(
    values: Sequence[Array],
    used: int,
    *,
    least: float,
    margin: float,
    of: Callable[[Array], Array] = np.asarray,
) -> Verdict:
    """Compares ways photo by photo.

    Way j is tied with the best b where mean(v_b - v_j) <= max(margin, t s / sqrt(N)), s the
    standard deviation of the differences over N photos, v = of(values), t Student's at SURE.

    Args:
        values: of each way a number a photo [N].
        used: the way that is used now.
        least: what the mean of the best must reach.
        margin: differences that never count.
        of: what is compared of the numbers.
    """
    compared = [of(v) for v in values]
    means = [float(np.mean(v)) for v in compared]
    order = tuple(int(i) for i in np.argsort([-m for m in means], kind="stable"))
    best = order[0]
    tied = tuple(j for j in order if not _behind(compared[best], compared[j], margin))
    enough = float(np.mean(values[best])) >= least
    named = tied if enough and used not in tied else ()
    return Verdict(order, tied, enough, named)


def _behind(best: Array, other: Array, margin: float) -> bool:
    from scipy.special import stdtrit

    d = np.asarray(best, np.float64) - np.asarray(other, np.float64)
    d = d[d != 0]  # of a square photo letterbox and stretch are one: it tells nothing of them
    count = len(d)
    if count == 0:
        return False
    error = float(np.std(d, ddof=1)) / np.sqrt(count) if count > 1 else 0.0
    sure = float(stdtrit(count - 1, SURE)) if count > 1 else 0.0
    return bool(np.mean(d) > max(margin, sure * error))
