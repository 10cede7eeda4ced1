"""How strong the scores of a detector are: of few of its thousands, or of all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...backend import Array
from ...maps.combine import widened
from ..classes.probability import EACH
from ..scores import softmax

NEARLY_SURE = 0.999
SLACK = 0.01
"""Scores by this much below the one of a probability are looked at too: it is rounded."""


@dataclass(frozen=True)
class Strengths:
    """What the anchors of one row are ranked by: probabilities, or scores where there are none."""

    scores: Array
    """y [C, A]."""
    how: str
    """What makes probabilities of them: `softmax`, or a row of EACH; '': nothing does."""
    none: Array
    """bool [C, A]: those of no box, whose strength is -inf."""

    @cached_property
    def every(self) -> Array:
        """[C, A]."""
        found: Array = np.where(self.none, -np.inf, self._made(self.scores))
        return found

    def of(self, channel: int, anchor: int) -> float:
        """That of one."""
        none = self.none[channel, anchor]
        return -np.inf if none else self.value(channel, anchor)

    def value(self, channel: int, anchor: int) -> float:
        """The same, be it of no box: a softmax takes the whole anchor."""
        return float(self._made(self.scores[:, anchor, None])[channel, 0])

    def above(self, least: float, about: Array) -> tuple[Array, Array, Array]:
        """Channels, anchors and strengths of those that are at least so strong.

        Args:
            least: a strength.
            about: bool [C, A], which ones are asked for.
        """
        asked = about & ~self.none
        if self.how in EACH:  # these grow with the score, so that few have to be made
            asked &= self.scores >= self._score(min(least, NEARLY_SURE)) - SLACK
            channels, anchors = np.nonzero(asked)
            found = EACH[self.how].value(widened(self.scores[channels, anchors]))
        else:
            channels, anchors = np.nonzero(asked)
            found = self.every[channels, anchors]
        strong = found >= least
        return channels[strong], anchors[strong], found[strong]

    def _score(self, probability: float) -> float:
        """The score that has a probability; -inf for 0."""
        with np.errstate(divide="ignore"):
            return float(EACH[self.how].score(np.float64(probability)))

    def _made(self, scores: Array) -> Array:
        y = widened(scores)
        if self.how in EACH:
            return EACH[self.how].value(y)
        return softmax(y[None])[0] if self.how else y
