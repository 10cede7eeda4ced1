"""Logs whose shifts are known, for they were put there."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.maps.stats import STATS
from cam_core.monitor import Rows, rows_of

MIX = (0.5, 0.3, 0.2)


def columns(count: int, seed: int, mix: Any = MIX) -> dict[str, Any]:
    """Numbers that hang together and differ by class; some maps are blank."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(len(mix), count, p=mix)
    one, own = rng.normal(size=(count, 1)), rng.normal(size=(count, len(STATS)))
    values = np.exp(0.5 * (one + own + classes[:, None] * np.linspace(0, 2, len(STATS))))
    values[rng.random(count) < 0.1] = 0
    return {**dict(zip(STATS, values.T, strict=True)), "class": classes}


def rows(count: int, seed: int, mix: Any = MIX, where: str = "log.csv", **changes: Any) -> Rows:
    """The same read; `changes`: what is done to a column."""
    found = columns(count, seed, mix)
    return rows_of({n: changes[n](v) if n in changes else v for n, v in found.items()}, where)
