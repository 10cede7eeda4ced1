"""How many rows a log needs before its silence says anything."""

from __future__ import annotations

from math import ceil, inf, log

SEEN = 1 / 3
"""The shift that is to be seen: a third of the rows on the other side of some value."""


def rows_needed(baseline: int, alpha: float, numbers: int, seen: float = SEEN) -> float:
    """The least n with D_alpha <= seen against m rows; inf where the baseline has too few itself.

    D_alpha = c sqrt(1/n + 1/m), c^2 = -log(alpha / (2 J)) / 2: Kolmogorov and Smirnov's critical
    distance of large samples, alpha shared by J numbers.
    """
    pairs = -log(alpha / (2 * numbers)) / 2 / seen**2  # n m / (n + m)
    return inf if baseline <= pairs else ceil(pairs * baseline / (baseline - pairs))


def baseline_needed(alpha: float, numbers: int, seen: float = SEEN) -> int:
    """The rows of a baseline against which twice as many in a log are enough."""
    pairs = -log(alpha / (2 * numbers)) / 2 / seen**2
    return ceil(1.5 * pairs)
