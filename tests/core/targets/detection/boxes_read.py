"""All boxes of all rows, as the targets read some of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.targets.detection.corners import Corners
from cam_core.targets.detection.written import reading


def read_written(numbers: np.ndarray, *how: Any) -> tuple[np.ndarray, str]:
    """Corners [N, A, 4] of numbers [N, M, A], and in words how; `how`: as `reading` says."""
    found = reading(numbers, *how)
    rows = [Corners(found, i, row.T)[:] for i, row in enumerate(numbers)]
    return np.stack(rows), found.meaning.words
