"""How fast it goes, and how long it may still take, in words; a line now and then for a log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

EVERY = 60.0
"""Seconds between two lines."""


def rate_of(speed: float | None) -> str:
    """Steps a second; a step that takes longer as seconds a step."""
    if not speed:
        return ""
    return f"{speed:.3g}/s" if speed >= 1 else f"{1 / speed:.3g} s each"


def in_lines(
    total: int, what: str, say: Callable[[str], None], clock: Callable[[], float]
) -> Callable[[float], None]:
    """Hears how much is done, and says it at most each EVERY seconds.

    What was done when it heard of it first, was done before: it counts in no rate.
    """
    first: tuple[float, float] | None = None
    last = 0.0

    def show(done: float) -> None:
        nonlocal first, last
        now = clock()
        if first is None:
            first, last = (now, done), now
        if now - last < EVERY or done == first[1]:
            return
        last = now
        speed = (done - first[1]) / (now - first[0])
        left = timedelta(seconds=round((total - done) / speed))
        say(f"{what}: {done:.0f} of {total}, {rate_of(speed)}, {left} left")

    return show
