"""What the slopes along one direction say of G."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .curve import Estimate

LIMIT = 3e-3
"""How far off <G, d> may be."""
PATIENCE = 3
"""Steps in a row that must say that G is wrong, or that Y has a kink."""
STEADY = 8
"""What they say may differ by an eighth: what still changes with the step is no slope yet."""

AGREES = "agrees"
AT_A_KINK = "at a kink"
UNTOLD = "untold"
DIFFERS = "off"
ABOVE, BELOW = "above", "below"
"""Where the slope is, as one step says it."""


@dataclass(frozen=True)
class Line:
    """What G says of one direction."""

    exact: float
    """<G, d>."""
    scale: float
    """What errors are relative to; 0 where G is 0."""

    def scale_at(self, found: Estimate) -> float:
        """The scale; where G is 0, the slope."""
        return self.scale or abs(found.slope) or 1.0

    def limit_at(self, found: Estimate) -> float:
        """How far off <G, d> may be."""
        return LIMIT * self.scale_at(found)

    def off(self, found: Estimate) -> float:
        """How far off it is."""
        return abs(found.slope - self.exact)

    def blurred(self, found: Estimate, blur: float) -> bool:
        """May it be off for no reason but that rounding changes the slope by so much?"""
        return self.off(found) <= self.limit_at(found) + 4 * blur

    def says(self, found: Estimate) -> str:
        """Is <G, d> the slope? One of AGREES, AT_A_KINK, ABOVE, BELOW and UNTOLD.

        A jump that is there for sure is a kink, or will be none at smaller steps.
        """
        limit, off, jump = self.limit_at(found), self.off(found), abs(found.jump)
        if off <= limit:
            return AGREES if found.error <= limit else UNTOLD
        if jump > max(limit, 3 * found.jump_error):
            return AT_A_KINK
        if off <= max(limit + 3 * found.error, 3 * (jump - found.jump_error)):
            return UNTOLD
        return ABOVE if found.slope > self.exact else BELOW

    def agreed(self, found: Sequence[Estimate]) -> bool:
        """Is <G, d> the slope, by the last two steps, or by one that is ten times as sure?"""
        last = found[-1]
        if self.says(last) != AGREES:
            return False
        sure = 10 * last.error <= self.limit_at(last)
        return sure or (len(found) > 1 and self.says(found[-2]) == AGREES)

    def settled(self, found: Sequence[Estimate]) -> bool:
        """Need no smaller step be tried? What is far off may be a slope from where Y is flat."""
        if self.agreed(found):
            return True
        word = self.word(found[-PATIENCE - 1 :], PATIENCE + 1)
        near = STEADY * self.off(found[-1]) <= self.scale_at(found[-1])
        return word == AT_A_KINK or (near and word != UNTOLD)

    def word(self, found: Sequence[Estimate], count: int = PATIENCE) -> str:
        """What so many steps say, all of them and without a change; UNTOLD where they do not."""
        words = {self.says(one) for one in found}
        if len(found) < count or len(words) > 1 or words & {AGREES, UNTOLD}:
            return UNTOLD
        word = words.pop()
        values = [self.value(word, one) for one in found]
        steady = STEADY * (max(values) - min(values)) <= max(map(abs, values))
        return word if steady else UNTOLD

    def value(self, word: str, found: Estimate) -> float:
        """The number that a word is about."""
        return found.jump if word == AT_A_KINK else found.slope - self.exact

    def stands(self, found: Sequence[Estimate], end: int) -> str:
        """What the steps up to there say in a row, unless a later one tells it to be wrong."""
        word = self.word(found[max(end - PATIENCE, 0) : end])
        value = self.value(word, found[end - 1])
        for one in found[end:]:
            error = one.jump_error if word == AT_A_KINK else one.error
            if abs(self.value(word, one) - value) > abs(value) / STEADY + 3 * error:
                return UNTOLD
        return word

    def between(self, found: Estimate) -> str:
        """Does <G, d> lie between the slopes on both sides of a kink?

        Many kinks that bend both ways may leave it somewhat outside.
        """
        off, jump = self.off(found) - self.limit_at(found) - 3 * found.error, abs(found.jump)
        return AT_A_KINK if off <= jump / 2 else UNTOLD if off <= 5 * jump else DIFFERS

    def verdict(self, found: Sequence[Estimate]) -> tuple[str, bool]:
        """(AGREES, AT_A_KINK, UNTOLD or DIFFERS; is it at a kink?) of estimates at ever smaller
        steps, where none was tried after one that agreed.
        """
        if self.agreed(found):
            return AGREES, False
        words = {self.stands(found, end): end for end in range(1, len(found) + 1)}
        if AT_A_KINK in words:
            return self.between(found[words[AT_A_KINK] - 1]), True
        return (DIFFERS if words.keys() & {ABOVE, BELOW} else UNTOLD), False
