"""Work on one thing after another in threads, told in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")
MOST = 4
"""Threads: each holds a photo and its picture."""


def in_threads(
    work: Callable[[Item], Done], items: Iterable[Item], tell: Callable[[Done], None]
) -> None:
    """`work` of each item, and `tell` of what comes of it, in the order of the items.

    No more items wait than there are threads; on a single core there are none. Where making an
    item fails, those before it are worked on and told; where work fails or someone stops it, what
    has begun is finished and told.
    """
    count = min(MOST, cores())
    if count == 1:
        for item in items:
            tell(work(item))
        return
    waiting: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > count:
                    _tell_first(waiting, tell)
        except KeyboardInterrupt:
            _drop(waiting)
            raise
        finally:
            while waiting:
                _tell_first(waiting, tell)


def ahead(make: Callable[[Item], Done], items: Iterable[Item]) -> Iterator[Done]:
    """`make` of each item in order, the next one while the caller works with this one."""
    if cores() == 1:
        yield from map(make, items)
        return
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[Done] | None = None
        try:
            for item in items:
                before, waiting = waiting, pool.submit(make, item)
                if before is not None:
                    yield before.result()
            if waiting is not None:
                yield waiting.result()
        finally:
            if waiting is not None:
                waiting.cancel()


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tell_first(waiting: deque[Future[Done]], tell: Callable[[Done], None]) -> None:
    """What came of the first that waits; where it failed, the others need not begin."""
    try:
        done = waiting[0].result()
    except Exception:
        waiting.popleft()
        _drop(waiting)
        raise
    waiting.popleft()
    tell(done)


def _drop(waiting: deque[Future[Done]]) -> None:
    """Forgets what has not begun."""
    begun = [future for future in waiting if not future.cancel()]
    waiting.clear()
    waiting.extend(begun)
