"""G against differences of the plain model's own tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..backend import Array, Look
from ..targets import ScoredTarget
from .curve import Curve, Estimate, Rung, estimate
from .moves import all_moves

FEW, MOST = 3, 8
"""Directions: so many where none of them disagrees, else all."""
LIMIT = 3e-3
PATIENCE = 3
"""Steps in a row that must say that G is wrong, or that Y has a kink."""

AGREES = "agrees"
AT_A_KINK = "at a kink"
UNTOLD = "untold"
DIFFERS = "off"
ABOVE, BELOW = "above", "below"
"""Where the slope is, as one step says it."""


@dataclass(frozen=True)
class Direction:
    """G along one direction."""

    along: bool
    """Along the signs of G, or at random."""
    verdict: str
    error: float
    """Of <G, d>, relative to it or to |G| |d| / sqrt(cells), whichever is larger."""
    step: float
    rounding: float
    """What the differences themselves may be off by, relative to the same."""


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
        factor hardly shows, along G nothing that is missing.
        """
        counts = [self._counts(along) for along in (True, False)]
        if any(wrong and wrong >= right for right, wrong in counts):
            return False
        return True if any(right for right, _ in counts) else None

    @property
    def enough(self) -> bool:
        """Need no more directions be tried?"""
        return len(self.directions) >= FEW and self.passed is True and not self.count(DIFFERS)

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
    agree best, by the differences alone. Where it is another on each side of A, the same is asked
    with equal numbers kept equal, then held.
    """
    (name,) = look.layers
    A = look.activations[name]
    curve = Curve(look.tail(name), target.held(look.score), A, look.score.dtype)
    wide, rng = G.astype(np.float64), np.random.default_rng(seed)
    ways = all_moves(A)
    moves, found = next(ways), list[Direction]()
    first = {True: 0, False: 0}
    while len(found) < most:
        along = len(found) % 2 == 0
        d = moves.direction(rng, wide, along=along) * curve.size
        judged, kinked, last = _judge(curve, wide, d, first[along], along=along)
        stiffer = next(ways, None) if kinked else None
        if stiffer is not None:
            moves, first = stiffer, {True: 0, False: 0}
            continue
        first[along] = max(last - 2, 0)
        found.append(judged)
        step()
        if Numeric(tuple(found)).enough:
            break
    for _ in range(most - len(found)):
        step()
    return Numeric(tuple(found), moves.how)


def _judge(
    curve: Curve, G: Array, d: Array, first: int, *, along: bool
) -> tuple[Direction, bool, int]:
    """(what is found along d, is it at a kink, the last step that was tried)"""
    exact = float(np.sum(G * d))
    moved = d != 0
    length = float(np.sqrt(np.sum(np.square(G[moved])) * np.mean(np.square(d[moved]))))
    line = Line(exact, max(abs(exact), length))
    found = _climb(curve, d, first, line)
    told = [line.says(one) for one in found]
    best = found[-1] if told[-1] == AGREES else min(found, key=lambda e: e.error)
    kinked = in_a_row(told, AT_A_KINK)
    verdict = UNTOLD
    if told[-1] == AGREES:
        verdict = AGREES
    elif kinked:
        verdict = line.between(best)
    elif in_a_row(told, ABOVE) or in_a_row(told, BELOW):
        verdict = DIFFERS
    scale = line.scale_at(best)
    error, rounding = abs(best.slope - exact) / scale, best.error / scale
    return Direction(along, verdict, error, best.h, rounding), kinked, found[-1].index


def _climb(curve: Curve, d: Array, first: int, line: Line) -> list[Estimate]:
    """Estimates at ever smaller steps: until one agrees, or enough do not, or rounding is all."""
    rungs, found = list[Rung](), list[Estimate]()
    for rung in curve.ladder(d, first):
        rungs.append(rung)
        if len(rungs) < 3:
            continue
        found.append(estimate(*rungs[-3:]))
        last = [line.says(one) for one in found[-PATIENCE - 1 :]]
        settled = len(last) > PATIENCE and len(set(last)) == 1 and last[0] != UNTOLD
        if last[-1] == AGREES or settled or not rung.noise <= line.limit_at(found[-1]):
            break
    return found


def in_a_row(told: Sequence[str], word: str) -> bool:
    """Do PATIENCE neighbouring steps say so?"""
    return any(told[i : i + PATIENCE] == [word] * PATIENCE for i in range(len(told) - PATIENCE + 1))


@dataclass(frozen=True)
class Line:
    """What G says of one direction, and what an estimate says of that."""

    exact: float
    """<G, d>."""
    scale: float

    def scale_at(self, found: Estimate) -> float:
        """What errors are relative to; where G is 0, the slope."""
        return self.scale or abs(found.slope) or 1.0

    def limit_at(self, found: Estimate) -> float:
        """How far off <G, d> may be."""
        return LIMIT * self.scale_at(found)

    def says(self, found: Estimate) -> str:
        """Is <G, d> the slope? One of AGREES, AT_A_KINK, ABOVE, BELOW and UNTOLD.

        A jump that is there for sure is a kink; any other larger than a third of what G is off by
        may be one further on.
        """
        limit, jump = self.limit_at(found), abs(found.jump)
        off = abs(found.slope - self.exact)
        if off <= limit:
            return AGREES if found.error <= limit else UNTOLD
        if jump > max(limit, 3 * found.jump_error):
            return AT_A_KINK
        if off <= limit + 3 * found.error or off <= 3 * jump:
            return UNTOLD
        return ABOVE if found.slope > self.exact else BELOW

    def between(self, found: Estimate) -> str:
        """Does <G, d> lie between the slopes on both sides of a kink?

        Many kinks that bend both ways may leave it somewhat outside.
        """
        slack, jump = self.limit_at(found) + 3 * found.error, abs(found.jump)
        off = abs(found.slope - self.exact) - slack
        return AT_A_KINK if off <= jump / 2 else UNTOLD if off <= 5 * jump else DIFFERS
