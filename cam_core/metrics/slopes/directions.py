"""G against differences of the plain model's own tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...backend import Array, Look
from ...targets import ScoredTarget
from .curve import FINEST, LAST, Curve, Estimate, Rung, estimate
from .moves import ALONG, KINDS, LEVELLED, RANDOM, Moves, all_moves
from .verdicts import AGREES, AT_A_KINK, DIFFERS, LIMIT, UNTOLD, Line

FEW, MOST = 3, 8
"""Directions: so many where none of them disagrees, else all."""
RUNS = 64
"""Of the tail; after these no other direction is begun."""
COARSE, FINE = 16, 256
"""At the first step rounding may be so much less than LIMIT."""
SHORT = 5
"""The number of the smallest step where float64 can be asked instead."""
LAST_STAIR = 3
"""The number of the smallest step that moves tensors of 8 bits, of which there are a few dozen
levels between usual numbers."""
WRONG = {ALONG: 1, RANDOM: 2, LEVELLED: 2}
"""How many of a kind say that G is wrong, where fewer say it is right."""

Tail = Callable[[Array], Array]
"""A' -> the score."""


@dataclass(frozen=True)
class Direction:
    """G along one direction."""

    kind: str
    """One of KINDS."""
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

        Of no kind may as many disagree as agree. One alone that disagrees says little where it is
        not along G, for Y moves by little.
        """
        counts = {kind: self._counts(kind) for kind in KINDS}
        if any(wrong >= max(right, WRONG[kind]) for kind, (right, wrong) in counts.items()):
            return False
        return True if any(right for right, _ in counts.values()) else None

    @property
    def enough(self) -> bool:
        """Need no more directions be tried? Rounding hides the others as well."""
        if len(self.directions) < FEW or self.count(DIFFERS):
            return False
        return self.passed is True or all(d.drowned for d in self.directions)

    def _counts(self, kind: str) -> tuple[int, int]:
        """(that agree, that do not) of one kind."""
        verdicts = [d.verdict for d in self.directions if d.kind == kind]
        return sum(v in (AGREES, AT_A_KINK) for v in verdicts), verdicts.count(DIFFERS)


def compare_slopes(
    look: Look,
    G: Array,
    target: ScoredTarget,
    *,
    seed: int = 0,
    stairs: bool = False,
    finer: Callable[[], Tail | None] | None = None,
    step: Callable[[], None] = lambda: None,
) -> Numeric:
    """The slope of Y along directions d against <G, d>, at the only layer of `look`.

    Directions are by turns of each kind. The slope is taken at steps that halve, and read where
    neighbouring ones agree best, by the differences alone. Where it is not <G, d> at the first of
    them, all is asked again of a tail in float64, where there is one; then with equal numbers
    moved together, and where the slope is another on each side of A even so, with those held.

    Args:
        stairs: tensors in between are of few bits: small steps do not move them, and where one
            direction tells nothing, no other does.
        finer: gives the tail in float64, where there is one; called at most once.
        step: called MOST times, FEW with `stairs`.
    """
    (name,) = look.layers
    A, target = look.activations[name], target.held(look.score)
    curve, wide = Curve(look.tail(name), target, A, look.score.dtype), G.astype(np.float64)
    if finer is not None:
        quick = Search(curve, wide, np.random.default_rng(seed), last=SHORT, strict=True).run()
        if quick is not None:
            for _ in range(MOST):
                step()
            return quick
        tail, double = finer(), np.dtype(np.float64)
        if tail is not None:
            curve = Curve(tail, target, A.astype(double), double, fine=True)
    most, last = (FEW, LAST_STAIR) if stairs else (MOST, FINEST + 10 if curve.fine else LAST)
    search = Search(curve, wide, np.random.default_rng(seed), most, last, stairs=stairs, step=step)
    found = search.run()
    assert found is not None
    return found


@dataclass(frozen=True)
class Search:
    """How directions are tried on one curve."""

    curve: Curve
    G: Array
    rng: np.random.Generator
    most: int = FEW
    last: int = LAST
    """The number of the smallest step."""
    strict: bool = False
    """Is it over with the first direction that does not agree?"""
    stairs: bool = False
    """Is it over with the first that tells nothing?"""
    step: Callable[[], None] = lambda: None

    def run(self) -> Numeric | None:
        """Direction by direction, until enough is known; None where a strict one is over."""
        ways = all_moves(self.curve.A)
        moves, found, runs, first = next(ways), list[Direction](), 0, dict[str, int]()
        while len(found) < self.most and (runs < RUNS or not found):
            kind = KINDS[len(found) % len(KINDS)]
            judged, kinked, tried = self._judge(moves, kind, first.get(kind))
            runs += 2 * len(tried)
            if self.strict and judged.verdict != AGREES:
                return None
            doubtful = not moves.how and judged.verdict != AGREES and not judged.drowned
            stiffer = next(ways, None) if kinked or doubtful else None
            if stiffer is not None:
                moves, found, first = stiffer, [], {}
                continue
            if judged.verdict == AGREES:
                first[kind] = max(tried[-1] - 2, tried[0])
            found.append(judged)
            self.step()
            if Numeric(tuple(found)).enough or (self.stairs and judged.verdict == UNTOLD):
                break
        for _ in range(self.most - len(found)):
            self.step()
        return Numeric(tuple(found), moves.how)

    def _judge(self, moves: Moves, kind: str, first: int | None) -> tuple[Direction, bool, range]:
        """(what is found along one, is it at a kink, the steps tried from the first on)"""
        d = moves.direction(self.rng, self.G, kind) * self.curve.size
        exact = float(np.sum(self.G * d))
        line = Line(exact, abs(exact) if kind == LEVELLED else max(abs(exact), _length(self.G, d)))
        if first is None:
            first = self.curve.start(LIMIT / (FINE if self.curve.fine else COARSE) * line.scale)
        found = self._climb(d, first, line)
        verdict, kinked = line.verdict(found)
        if verdict == DIFFERS and self._blurred(line, d, found[-1]):
            verdict = UNTOLD
        best = found[-1] if verdict == AGREES else min(found, key=lambda e: e.error)
        scale = line.scale_at(best)
        judged = Direction(
            kind, verdict, line.off(best) / scale, best.h, best.error / scale, best.noise / scale
        )
        return judged, kinked, range(first, found[-1].index + 1)

    def _blurred(self, line: Line, d: Array, last: Estimate) -> bool:
        """May G be that of another choice of what rounding decides?"""
        return self.curve.fine and line.blurred(last, self.curve.blur(d, last.h))

    def _climb(self, d: Array, first: int, line: Line) -> list[Estimate]:
        """Estimates at ever smaller steps: until one agrees, or enough do not, or rounding is all.

        At least one.
        """
        rungs, found = list[Rung](), list[Estimate]()
        for rung in self.curve.ladder(d, first, max(self.last, first + 2)):
            rungs.append(rung)
            if len(rungs) < 3:
                continue
            found.append(estimate(*rungs[-3:]))
            if line.settled(found) or not rung.noise <= line.limit_at(found[-1]):
                break
        return found


def _length(G: Array, d: Array) -> float:
    """What |<G, d>| is on average for a G of this length."""
    moved = d != 0
    return float(np.sqrt(np.sum(np.square(G[moved])) * np.mean(np.square(d[moved]))))
