"""What the model says of changed inputs or activations, so kept that every target may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from ..backend import Array
from ..targets.target import ScoredTarget

Answer = tuple[Array, Mapping[str, Array]]
"""The score of a block of N rows, and its outputs by name."""
KEPT = 2**28
"""Bytes of answers that are kept for the targets to come: of a detector, none."""


@dataclass(frozen=True)
class Each:
    """So many arrays, each made when its turn comes."""

    count: int
    make: Callable[[int], Array]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Array]:
        return map(self.make, range(self.count))


@dataclass(frozen=True, eq=False)
class Written:
    """So many arrays like another, each written when its turn comes, to where it is read."""

    count: int
    like: Array
    write: Callable[[int, Array], None]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Array]:
        return (block for _, block in self.blocks(1))

    def blocks(self, most: int) -> Iterator[tuple[int, Array]]:
        """So many of them one after the other [k N, ...], and k."""
        for start in range(0, self.count, max(1, most)):
            k = min(max(1, most), self.count - start)
            found = np.empty((k, *self.like.shape), self.like.dtype)
            for i, one in enumerate(found, start):
                self.write(i, one)
            yield k, found.reshape(k * len(self.like), *self.like.shape[1:])


def in_blocks(changed: Iterable[Array], most: int) -> Iterator[tuple[int, Array]]:
    """Arrays [N, ...], so many of them at a time [k N, ...], and k."""
    if isinstance(changed, Written):
        yield from changed.blocks(most)
        return
    for some in batched(changed, most):
        yield len(some), some[0] if len(some) == 1 else np.concatenate(some)


@dataclass
class Kept:
    """The answers to one set of changes, as long as they are few."""

    answers: list[Answer] | None = field(default_factory=list)
    whole: bool = False
    """Are they all there?"""
    size: int = 0

    def restart(self) -> None:
        """Forget those of a run that broke off."""
        self.answers, self.size = [], 0

    def add(self, answer: Answer) -> None:
        """Keep one more; all are let go once they are too many."""
        if self.answers is None:
            return
        y, outputs = answer
        self.size += y.nbytes + sum(values.nbytes for values in outputs.values())
        self.answers.append(answer)
        if self.size > KEPT:
            self.answers = None


def scores(
    target: ScoredTarget, answers: Iterable[Answer], kept: Kept | None, step: Callable[[], None]
) -> Array:
    """Y [k, N] of k blocks: of the answers that are kept, else of those that are given.

    Args:
        target: whose Y.
        answers: made when they are read, and not read where they are kept.
        kept: those of an earlier target; None where none will ask for them again.
        step: called for each that is made.
    """
    if kept is not None and kept.whole and kept.answers is not None:
        return np.stack([target.score(y, outputs) for y, outputs in kept.answers])
    found = []
    if kept is not None and not kept.whole:
        kept.restart()
    for y, outputs in answers:
        found.append(target.score(y, outputs))
        if kept is not None:
            kept.add((y, outputs))
        step()
    if kept is not None:
        kept.whole = True
    return np.stack(found)


def steps(told: Callable[[float], None], changed: Iterable[Array]) -> Callable[[], None]:
    """Tells with each call how much is done, where it is known how much there is."""
    total, done = len(changed) if isinstance(changed, Sized) else 0, 0

    def step() -> None:
        nonlocal done
        done += 1
        if total:
            told(done / total)

    return step


class Blocks:
    """A target of N rows, of k blocks of as many."""

    def __init__(self, target: ScoredTarget, rows: int) -> None:
        self._target, self._rows = target, rows

    def __call__(self, y: Array, outputs: Mapping[str, Array]) -> Array:
        """dY/dy [k N, ...]."""
        count = len(y) // self._rows
        parts = zip(np.split(y, count), split(outputs, count, self._rows), strict=True)
        return np.concatenate([self._target(block, own) for block, own in parts])


def split(outputs: Mapping[str, Array], count: int, rows: int) -> list[dict[str, Array]]:
    """The outputs of each block; those that have no row for each stay whole."""
    if count == 1:
        return [dict(outputs)]
    found: list[dict[str, Array]] = [{} for _ in range(count)]
    for name, values in outputs.items():
        whole = not values.ndim or len(values) != count * rows
        parts = [values] * count if whole else np.split(values, count)
        for own, part in zip(found, parts, strict=True):
            own[name] = part
    return found


def batched(values: Iterable[Array], count: int) -> Iterator[tuple[Array, ...]]:
    """So many of them at a time, at least one."""
    rest = iter(values)
    while found := tuple(islice(rest, max(1, count))):
        yield found
