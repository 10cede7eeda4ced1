"""Arrays in which one number in memory stands for many: what a mean hands back to its places."""

from __future__ import annotations

from typing import Any

import numpy as np


def once(values: Any, first: int = 0) -> Any:
    """[N, K, ...] with extent 1 along axes, from `first` on, in which one number stands for all.

    A view, for what does not count: a mean, a maximum, whether there is a NaN. What is no array (a
    symbolic tensor, a float) and what is empty is given back.
    """
    if not isinstance(values, np.ndarray) or not values.size:
        return values
    whole = [step != 0 or axis < first for axis, step in enumerate(values.strides)]
    return values[tuple(slice(None) if kept else slice(1) for kept in whole)]
