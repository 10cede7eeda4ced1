"""G against differences of the plain model's own tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..backend import Array, Look
from ..targets import ScoredTarget
from .curve import Curve, Estimate, Rung, estimate
from .moves import all_moves
from .verdicts import AGREES, AT_A_KINK, DIFFERS, LIMIT, Line

FEW, MOST = 3, 8
"""Directions: so many where none of them disagrees, else all."""
RUNS = 64
"""Of the tail; after these no other direction is begun."""


@dataclass(frozen=True)
class Direction:
    """G along one direction."""

    along: bool
    """Along the signs of G, or at random."""
    verdict: str
    error: float
    """Of <G, d>, relative to it or to |G| |d| / sqrt(cells), whichever is larger."""
    step: float
    doubt: float
    """What the differences themselves may be off by, relative to the same."""
    rounding: float
    """What rounding alone may do to them."""

    @property
    def drowned(self) -> bool:
        """Does rounding leave nothing to judge by?"""
        return self.rounding > LIMIT / 2


@dataclass(frozen=True)
class Numeric:
    """How far G is from the differences."""

    directions: tuple[Direction, ...]
    how: str = ""
    """What was done with equal numbers in A, where Y may have kinks."""

    @property
    def median(self) -> float:
        """The middle one of the errors."""
        return float(np.median([d.error for d in self.directions]))

    def count(self, verdict: str) -> int:
        """How many directions say so."""
        return sum(d.verdict == verdict for d in self.directions)

    @property
    def passed(self) -> bool | None:
        """Is G right? None: no direction tells.

        Neither kind of direction may have as many that disagree as that agree: at random a wrong
        factor hardly shows, along G nothing that is missing. At random one alone says little, for
        Y moves by little.
        """
        (right, wrong), (right_at_random, wrong_at_random) = map(self._counts, (True, False))
        if wrong >= max(right, 1) or wrong_at_random >= max(right_at_random, 2):
            return False
        return True if right or right_at_random else None

    @property
    def enough(self) -> bool:
        """Need no more directions be tried? Rounding hides the others as well."""
        if len(self.directions) < FEW or self.count(DIFFERS):
            return False
        return self.passed is True or all(d.drowned for d in self.directions)

    def _counts(self, along: bool) -> tuple[int, int]:
        """(that agree, that do not) of one kind."""
        verdicts = [d.verdict for d in self.directions if d.along == along]
        return sum(v in (AGREES, AT_A_KINK) for v in verdicts), verdicts.count(DIFFERS)


def compare_slopes(
    look: Look,
    G: Array,
    target: ScoredTarget,
    *,
    seed: int = 0,
    most: int = MOST,
    step: Callable[[], None] = lambda: None,
) -> Numeric:
    """The slope of Y along random directions d against <G, d>, at the only layer of `look`.

    Directions are by turns along the signs of G, where a factor shows best, and at random, where
    what is missing shows. The slope is taken at steps that halve, and read where neighbouring ones
    agree best, by the differences alone. Where it is not <G, d>, the same is asked with equal
    numbers moved together, and where it is another on each side of A then, with those held.
    """
    (name,) = look.layers
    A = look.activations[name]
    curve = Curve(look.tail(name), target.held(look.score), A, look.score.dtype)
    wide, rng = G.astype(np.float64), np.random.default_rng(seed)
    ways = all_moves(A)
    moves, found, runs = next(ways), list[Direction](), 0
    first: dict[bool, int] = {}
    while len(found) < most and (runs < RUNS or not found):
        along = len(found) % 2 == 0
        d = moves.direction(rng, wide, along=along) * curve.size
        judged, kinked, tried = _judge(curve, wide, d, first.get(along), along=along)
        runs += 2 * len(tried)
        doubtful = not moves.how and judged.verdict != AGREES and not judged.drowned
        stiffer = next(ways, None) if kinked or doubtful else None
        if stiffer is not None:
            moves, found, first = stiffer, [], {}
            continue
        if judged.verdict == AGREES:
            first[along] = max(tried[-1] - 2, tried[0])
        found.append(judged)
        step()
        if Numeric(tuple(found)).enough:
            break
    for _ in range(most - len(found)):
        step()
    return Numeric(tuple(found), moves.how)


def _judge(
    curve: Curve, G: Array, d: Array, first: int | None, *, along: bool
) -> tuple[Direction, bool, range]:
    """(what is found along d, is it at a kink, the steps that were tried from the first on)"""
    exact = float(np.sum(G * d))
    moved = d != 0
    length = float(np.sqrt(np.sum(np.square(G[moved])) * np.mean(np.square(d[moved]))))
    line = Line(exact, max(abs(exact), length))
    if first is None:
        first = curve.start(LIMIT / 16 * line.scale)
    found = _climb(curve, d, first, line)
    verdict, kinked = line.verdict(found)
    best = found[-1] if verdict == AGREES else min(found, key=lambda e: e.error)
    scale = line.scale_at(best)
    judged = Direction(
        along, verdict, line.off(best) / scale, best.h, best.error / scale, best.noise / scale
    )
    return judged, kinked, range(first, found[-1].index + 1)


def _climb(curve: Curve, d: Array, first: int, line: Line) -> list[Estimate]:
    """Estimates at ever smaller steps: until one agrees, or enough do not, or rounding is all."""
    rungs, found = list[Rung](), list[Estimate]()
    for rung in curve.ladder(d, first):
        rungs.append(rung)
        if len(rungs) < 3:
            continue
        found.append(estimate(*rungs[-3:]))
        if line.settled(found) or not rung.noise <= line.limit_at(found[-1]):
            break
    return found
