"""An audit by several processes of this machine, each with sessions of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

from ...errors import InputError
from ..run import Part, Rows
from .reading import AGAIN, Opening, Reading, ends_of


@dataclass
class Local:
    """Makes rows in other processes; an argument of `run`.

    Args:
        opening: the plan, for each process.
        workers: how many there are.
    """

    opening: Opening
    workers: int
    broken: int = field(default=0, init=False)
    """How often processes ended before they should."""

    def __call__(
        self, parts: Iterator[Part], ready: frozenset[int], step: Callable[[int], None]
    ) -> Iterator[Rows]:
        """The rows of each part, in order; a few parts more than there are processes wait.

        Raises:
            InputError: processes end again and again under one part.
        """
        waiting: deque[Part] = deque()
        while True:
            with ProcessPoolExecutor(self.workers, get_context("spawn")) as pool:
                try:
                    yield from self._through(pool, waiting, parts, ready, step)
                    return
                except BrokenProcessPool as error:
                    self.broken += 1
                    if self.broken > AGAIN:
                        raise InputError(
                            "processes ended under the photos again and again, maybe for want of "
                            "memory: take fewer --workers; the same call goes on from here"
                        ) from error

    def _through(
        self,
        pool: ProcessPoolExecutor,
        waiting: deque[Part],
        parts: Iterator[Part],
        ready: frozenset[int],
        step: Callable[[int], None],
    ) -> Iterator[Rows]:
        """What waits from before goes first; a part leaves when its rows are there."""
        futures = deque(self._given(pool, part, ready) for part in waiting)
        while True:
            while len(futures) <= self.workers and (part := next(parts, None)) is not None:
                waiting.append(part)
                futures.append(self._given(pool, part, ready))
            if not futures:
                return
            found = futures[0].result()
            futures.popleft()
            done = waiting.popleft()
            step(ends_of(done)[1])
            yield found

    def _given(
        self, pool: ProcessPoolExecutor, part: Part, ready: frozenset[int]
    ) -> Future[list[dict[str, Any]]]:
        return pool.submit(rows_there, self.opening, *ends_of(part), ready)


@lru_cache(maxsize=1)
def reading_of(opening: Opening) -> Reading:
    """Opened once in a process."""
    return Reading(opening())


def rows_there(
    opening: Opening, start: int, end: int, ready: frozenset[int]
) -> list[dict[str, Any]]:
    """The rows of a part, in another process; those that are ready are empty."""
    return reading_of(opening).rows(start, end, ready)
