"""What comes of one batch after another, until both models were compared on all photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..backend import Array
from .bounds import bounds_of, with_shuffled
from .classes import changed_places
from .lone import lone_boxes
from .pair import compare_batch, with_bounds
from .photos import Batch, Pair, Photo
from .sides import Sides
from .verdict import far_off
from .with_recording import compare_recorded

KEPT = 512
"""Photos whose scores are kept to see whether classes changed places."""


@dataclass
class Collected:
    """What is known so far."""

    sides: Sides
    found: dict[int, Pair] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    kept: list[tuple[Array, Array]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """The photos of these."""
    sampled: list[Batch] = field(default_factory=list)
    """Without their looks, which are large."""

    def add(
        self, part: Sequence[int], photos: Sequence[Photo], bounds: Mapping[str, bool] | None
    ) -> None:
        compared = compare_recorded if any(self.sides.recordings) else compare_batch
        done = compared(self.sides, photos, self.missed.append)
        if done is None:
            return
        if done.seen is not None and done.pairs[0].boxes is not None:
            lone = lone_boxes(self.sides, done.looks, done.seen, done.pairs[0].boxes)  # type: ignore[arg-type]
            done = replace(done, pairs=[replace(done.pairs[0], lone=lone)])
        if bounds is not None:
            done = with_bounds(done, bounds_of(self.sides, done, done.photos, **bounds))
            self.sampled.append(replace(done, looks=(None, None)))
        self.found |= {pair.index: pair for pair in done.pairs}
        if len(self.found) <= KEPT:
            self.kept.append(done.scores)
            self.rows += [pair.index for pair in done.pairs]

    def shuffle(self) -> None:
        """Compares with shuffled weights, where other classes tell nothing."""
        if far_off([pair for one in self.sampled for pair in one.pairs]) is not None:
            return
        for batch in self.sampled:
            bounds = with_shuffled(self.sides, batch)
            if bounds is None:
                return
            self.found |= {pair.index: pair for pair in with_bounds(batch, bounds).pairs}

    def scores(self) -> tuple[tuple[Array, Array] | None, list[int]]:
        """Those that were kept, of both, and of which photos; B's in the order of A's classes."""
        both = self._kept_of_both()
        if both is None:
            return None, []
        a, b = both
        if self.sides.classes.to_b is not None:
            pairs = [
                (i, j) for i in range(a.shape[1]) if (j := self.sides.classes.of(i)) is not None
            ]
            ours, theirs = ([pair[k] for pair in pairs] for k in (0, 1))
            a, b = a[:, ours], b[:, theirs]
        return (a, b), self.rows

    def moved(self) -> list[tuple[int, int]]:
        both = self._kept_of_both() if self.sides.ranked else None
        return [] if both is None else changed_places(*both, self.sides.classes)

    def _kept_of_both(self) -> tuple[Array, Array] | None:
        """All in one; None of none, and where photos of other sizes have other numbers of them."""
        if len({(a.shape[1:], b.shape[1:]) for a, b in self.kept}) != 1:
            return None
        ours, theirs = zip(*self.kept, strict=True)
        return np.concatenate(ours), np.concatenate(theirs)
