"""What `gradcam blame` measures: a ranking, and what is left with sets of it in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cam_core.cli.inputs.opened import Setup
from cam_core.cli.report import progress
from cam_core.errors import InputError

from ..blaming.blame import Blame
from ..blaming.curve import Case, Drift, Point, counts_up_to, curve, drift
from ..blaming.pursuit import ROUNDS, by_pursuit
from ..blaming.rating import Rating, by_blame, by_sqnr, shuffled
from .arguments import AskedBlame

DRAWS = 3
"""Random orders beside the rankings."""
MEASURED = 3
"""On fewer photos the errors of an honest copy cancel by chance, and some tensor seems at fault."""
FEW, LITTLE = 0.1, 0.25
"""Named is a set of FEW of all tensors, or one, that in float leaves less than LITTLE of drift."""


@dataclass(frozen=True)
class Opened:
    """Both models and the photos."""

    asked: AskedBlame
    blame: Blame
    setup: Setup
    ranking: Sequence[Case]
    measuring: Sequence[Case]
    missed: Sequence[str]
    """A line for each photo that has nothing of what is asked."""


@dataclass(frozen=True)
class Found:
    """All that was measured."""

    before: Drift
    ratings: Sequence[Rating]
    """The most blamed first; those without any error left out."""
    blamed: Sequence[Point]
    noisy: Sequence[Point]
    """The same by SQNR."""
    random: Sequence[Drift]
    """Of `keep` tensors, a draw each."""
    keep: int
    alone: Point | None = None
    """The smallest set of a few tensors that makes nearly all of the drift by itself."""

    @property
    def proposed(self) -> Point:
        """The set that is proposed."""
        return next(p for p in self.blamed if len(p.kept) == self.keep)

    @property
    def named(self) -> tuple[str, ...]:
        """The tensors at fault: those that overflow, else the few that make nearly all of the
        drift; () where it is of many tensors."""
        over = tuple(r.suspect.name for r in self.ratings if not np.isfinite(r.blame))
        return over or (() if self.alone is None else self.alone.kept)

    @property
    def nearer(self) -> bool:
        """Does it bring the answers nearer to the float model's?"""
        return self.proposed.drift.rms < self.before.rms


def measure(opened: Opened, keep: int) -> Found:
    """Ranks on one half of the photos, and keeps sets in float on the other.

    Raises:
        InputError: nothing differs.
    """
    blame, cases = opened.blame, opened.measuring
    with progress(len(opened.ranking) * ROUNDS, "ranking") as step:
        rated = blame.rate(opened.ranking, step)
        ratings = [r for r in by_blame(rated) if r.sqnr < np.inf or r.blame > 0]
        if not ratings:
            raise InputError(
                f"no tensor of {opened.asked.quantised} differs from what {opened.asked.model} "
                "makes of the same inputs: there is nothing to blame"
            )
        keep = min(keep, len(ratings))
        order, other = best_order(blame, ratings, opened.ranking, keep, step)
    counts = counts_up_to(keep, len(ratings))
    orders = [names(by_sqnr(ratings)), *(names(shuffled(ratings, i)) for i in range(DRAWS))]
    before = drift(blame.quantised, cases)
    blamed = curve(blame.restored, order, counts, cases)
    noisy = curve(blame.restored, orders[0], counts, cases)
    drawn = [curve(blame.restored, order, [keep], cases, maps=False) for order in orders[1:]]
    random = [points[0].drift for points in drawn]
    alone = few_at_fault(blame, order, other, blamed, cases, before)
    return Found(before, ratings, blamed, noisy, random, keep, alone)


def few_at_fault(
    blame: Blame,
    order: Sequence[str],
    other: Sequence[str],
    known: Sequence[Point],
    cases: Sequence[Case],
    before: Drift,
) -> Point | None:
    """The smallest set in either order of at most FEW of all tensors, or one, that in float leaves
    less than LITTLE of the drift: what is best for a large set may begin with others.

    None of none, and where fewer than MEASURED photos measure.

    Args:
        known: points of the first order, measured already.
    """
    if len(cases) < MEASURED:
        return None
    done = {p.kept: p for p in known}
    most = max(1, int(FEW * len(order)))
    for count in counts_up_to(most, most):
        for kept in dict.fromkeys((tuple(order[:count]), tuple(other[:count]))):
            point = done.get(kept) or curve(blame.restored, kept, [count], cases, maps=False)[0]
            if point.drift.rms < LITTLE * before.rms:
                return point
    return None


def best_order(
    blame: Blame,
    ratings: Sequence[Rating],
    ranking: Sequence[Case],
    keep: int,
    step: Callable[[], object],
) -> tuple[list[str], list[str]]:
    """The tensors by blame, or by pursuit where that leaves less on the photos that rank; and in
    the other order."""
    orders = [names(ratings), names(by_pursuit(blame, ratings, ranking, keep, step))]
    if orders[0][:keep] == orders[1][:keep]:
        return orders[0], orders[1]
    left = [drift(blame.restored(order[:keep]), ranking, maps=False).rms for order in orders]
    return (orders[1], orders[0]) if left[1] < left[0] else (orders[0], orders[1])


def names(ratings: Sequence[Rating]) -> list[str]:
    """Of the tensors."""
    return [r.suspect.name for r in ratings]
