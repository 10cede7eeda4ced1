"""Timing candidates in short blocks, in turn: whatever else the machine does meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Run = Callable[[], object]
Seconds = dict[str, list[float]]
"""Candidate -> seconds of one run, round by round."""
WARM = 1
"""Rounds that are run and not counted, after the two runs that size the blocks."""


def silent(_: str) -> None:
    """A progress line that nobody sees."""


@dataclass(frozen=True)
class Spread:
    """Of one figure over the rounds."""

    median: float
    low: float
    """The lower quartile."""
    high: float
    """The upper one."""


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles."""
    low, median, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
    return Spread(median, low, high)


def interleave(
    runs: Mapping[str, Run],
    rounds: int,
    *,
    block: float = 0.03,
    clock: Callable[[], float] = time.perf_counter,
    say: Callable[[str], None] = silent,
) -> Seconds:
    """Every candidate once a round, in an order drawn anew.

    Args:
        runs: what one run of each candidate is.
        rounds: those that count; WARM more come before.
        block: seconds that one candidate has in a round; at least one run.
        clock: in seconds.
        say: told where it stands, between the blocks.
    """
    counts = {name: _count(run, block, clock) for name, run in runs.items()}
    found: Seconds = {name: [] for name in runs}
    order, names = np.random.default_rng(0), list(runs)
    for number in range(-WARM, rounds):
        say(f"round {max(number + 1, 0)} of {rounds}")
        for i in order.permutation(len(names)):
            taken = _seconds(runs[names[i]], counts[names[i]], clock)
            if number >= 0:
                found[names[i]].append(taken)
    return found


def _count(run: Run, block: float, clock: Callable[[], float]) -> int:
    """How many runs fill a block; the first run of all warms up."""
    run()
    return max(1, round(block / max(_seconds(run, 1, clock), 1e-6)))


def _seconds(run: Run, count: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(count):
        run()
    return (clock() - start) / count


def ratio(seconds: Seconds, name: str, unit: str = "plain") -> Spread:
    """Of each round's time to the unit's in the same round."""
    return spread([t / u for t, u in zip(seconds[name], seconds[unit], strict=True)])


def beyond(seconds: Seconds, cut: str, unit: str = "plain") -> Spread:
    """What the unit spends after the place where `cut` ends, as a share of it: (u - c) / u."""
    return spread([1 - c / u for c, u in zip(seconds[cut], seconds[unit], strict=True)])
