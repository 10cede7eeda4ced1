"""Where in which pictures a unit is excited most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..backend import Array

Peak = tuple[int, float, tuple[float, ...]]
"""The picture, the activation, and the middle of its cell as parts of the map's sides."""


def peaks(A: Sequence[Array], unit: int, count: int) -> list[Peak]:
    """The largest activation of each picture, of the `count` pictures where it is largest.

    Args:
        A: activations of each picture [K, *S].
    """
    tops = [float(a[unit].max()) for a in A]
    found = []
    for picture in np.argsort(-np.asarray(tops), kind="stable")[:count].tolist():
        cells = A[picture][unit]
        at = np.unravel_index(int(cells.argmax()), cells.shape)
        middle = tuple((int(i) + 0.5) / n for i, n in zip(at, cells.shape, strict=True))
        found.append((picture, tops[picture], middle))
    return found


def square(middle: tuple[float, float], side: float, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a square about (y, x), moved into a picture of that size.

    `side` is at most the shorter side of the picture.
    """
    length = max(1, min(round(side), *size))
    spans = []
    for centre, extent in zip(middle, size, strict=True):
        first = min(max(round(centre - length / 2), 0), extent - length)
        spans.append(slice(first, first + length))
    return spans[0], spans[1]
