"""Targets that follow one another, pulled as many at once as a look takes."""

from __future__ import annotations

from collections.abc import Sequence

from .backend import Gradients, Look
from .targets import ScoredTarget


class Pulling:
    """The gradients of targets, each handed out once."""

    def __init__(self) -> None:
        self._waiting: list[ScoredTarget] = []
        self._ready: dict[int, tuple[ScoredTarget, Gradients]] = {}

    def expect(self, targets: Sequence[ScoredTarget]) -> None:
        """What will be asked for, in this order."""
        self._waiting = list(targets)

    def of(self, look: Look, target: ScoredTarget) -> Gradients:
        """Of one target; those that follow it, of the same output, are made ready with it."""
        if id(target) in self._ready:
            return self._ready.pop(id(target))[1]
        pull_first = getattr(look, "pull_first", None)
        alike = self._from(target)
        if len(alike) < 2 or pull_first is None:
            return look.pull(target)
        found: list[Gradients] = pull_first(alike)
        more = zip(alike[1:], found[1:], strict=False)
        self._ready |= {id(one): (one, G) for one, G in more}
        return found[0]

    def _from(self, target: ScoredTarget) -> list[ScoredTarget]:
        """It and those that wait behind it."""
        first = next((i for i, one in enumerate(self._waiting) if one is target), None)
        later = [] if first is None else self._waiting[first:]
        return [one for one in later if one.tensor == target.tensor]
