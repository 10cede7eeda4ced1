"""Cotangents of a score as targets give them."""

from __future__ import annotations

from typing import Any

import numpy as np


def one_hot(*classes: int) -> Any:
    """A target: the class of each row."""
    return lambda y, outputs: np.eye(y.shape[1], dtype=y.dtype)[list(classes)]
