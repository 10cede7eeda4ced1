"""How far cells move so that what is small in G counts as much as what is large."""

from __future__ import annotations

import numpy as np

from ...backend import Array

DECADES = 4
"""How far below the largest, in powers of ten; what is smaller is held, it may be rounding."""


def levels(G: Array) -> Array:
    """w [N, K, *S]: each power of ten that G is of adds as much to the sum of |G| w.

    A branch that holds a thousandth of G is one of them, and what is wrong there shows.
    """
    sizes, weights = magnitudes(G), np.zeros(G.shape)
    below = np.full(G.shape, np.inf)
    below[sizes > 0] = np.log10(sizes.max(initial=0) / sizes[sizes > 0])
    for decade in range(DECADES):
        inside = (below >= decade) & (below < decade + 1)
        total = np.abs(G[inside], dtype=np.float64).sum()
        if total > 0:
            weights[inside] = 1 / total
    length = float(np.sqrt(np.mean(np.square(weights)))) if weights.size else 0.0
    return weights / length if length else np.ones(G.shape)


def magnitudes(G: Array) -> Array:
    """How large G is in a cell's channel and at its place, [N, K, *S].

    Of one number by itself nothing follows: among large ones some are near 0 by chance.
    """
    squares = np.square(G, dtype=np.float64).reshape(*G.shape[:2], -1)
    of_channels, of_places = squares.mean(2, keepdims=True), squares.mean(1, keepdims=True)
    of_rows = squares.mean((1, 2), keepdims=True)
    found = of_channels * of_places / np.where(of_rows > 0, of_rows, 1)
    sizes: Array = np.sqrt(found).reshape(G.shape)
    return sizes
