"""Finite differences, and how near two arrays are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def slope(at: Callable[[float], Any], h: float) -> Any:
    """d at(t) / dt at 0 by five points: exact up to h^4."""
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def assert_near(found: Any, expected: Any, what: str = "", *, rtol: float = 1e-4) -> None:
    """Equal shapes, and a difference of at most `rtol` of the expected norm, which is not 0.

    1e-4 is what float32 leaves of a network in another order of summation.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, what
    size = np.linalg.norm(expected.astype(np.float64))
    assert size > 0, what
    gap = np.linalg.norm(found.astype(np.float64) - expected)
    assert gap <= rtol * size, f"{what}: {gap / size:.2g} relative"
