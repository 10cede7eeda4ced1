"""How often a baseline calls alarm at itself: logs drawn from it, against what is left of it."""

from __future__ import annotations

import numpy as np

from ..backend import Array
from ..errors import InputError
from .monitoring import ALPHA, monitor
from .rows import Rows


def rehearse(
    baseline: Rows, rows: int, logs: int = 100, *, alpha: float = ALPHA, seed: int = 0
) -> Array:
    """The p of each log [logs]: the part of them that is alpha or less is the rate of false alarms.

    Args:
        baseline: of `read_baseline`.
        rows: of a log, drawn without repetition.
        logs: how many are drawn.
        alpha: as for `monitor`.
        seed: of the draws.

    Raises:
        InputError: the baseline has no more rows than a log.
    """
    if not 0 < rows < len(baseline):
        raise InputError(f"{rows} rows cannot be drawn from {len(baseline)} and leave some")
    rng, found = np.random.default_rng(seed), []
    for i in range(logs):
        order = rng.permutation(len(baseline))
        log, rest = baseline.taken(order[:rows]), baseline.taken(order[rows:])
        of = monitor(log, rest, alpha=alpha, seed=seed + i).shift
        found.append(1.0 if of is None else float(of.p.min()))
    return np.array(found)
