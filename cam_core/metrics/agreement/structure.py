"""Structural similarity of maps."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..given import pair_of, share

WINDOW = 7
"""Cells of the window along each axis, or the largest odd number that fits."""
K1, K2 = 0.01, 0.03
"""Of Wang et al. 2004."""


def ssim(a: Array, b: Array, *, window: int | None = None) -> Array:
    """mean of (2 ma mb + c1)(2 sab + c2) / ((ma^2 + mb^2 + c1)(sa^2 + sb^2 + c2)).

    Wang et al. 2004, eq. 13, over all windows that lie within; means and (n - 1) variances of each
    even window, c1 = 0.01^2, c2 = 0.03^2. Each map is scaled to [0, 1] by itself before.

    Args:
        a: [N, *S].
        b: [N, *S].
        window: cells along each axis, an odd number; None: 7, or what fits.

    Returns:
        Float64 [N] in [-1, 1]; NaN where one map is the same everywhere.
    """
    a, b = (_scaled(x) for x in pair_of(a, b))
    smallest = min(a.shape[1:])
    size = min(WINDOW, smallest - (smallest + 1) % 2) if window is None else window
    if size % 2 == 0 or not 2 < size <= smallest:
        raise InputError(
            f"a window of {size} does not fit maps of {a.shape[1:]}: an odd number from 3 on"
        )
    return _ssim(a, b, size)


def _ssim(a: Array, b: Array, size: int) -> Array:
    """Of all maps at once: a window is one map's alone."""
    from scipy.ndimage import uniform_filter

    window = 1, *[size] * (a.ndim - 1)
    edge = slice(None), *(slice(size // 2, n - size // 2) for n in a.shape[1:])
    ma, mb, maa, mbb, mab = (uniform_filter(x, window)[edge] for x in (a, b, a * a, b * b, a * b))
    cells = size ** (a.ndim - 1)
    vaa, vbb, vab = ((m - p) * cells / (cells - 1) for m, p in _products(ma, mb, maa, mbb, mab))
    c1, c2 = K1**2, K2**2
    found = (2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (vaa + vbb + c2))
    return np.asarray(found.mean(axis=tuple(range(1, a.ndim))))


def _products(
    ma: Array, mb: Array, maa: Array, mbb: Array, mab: Array
) -> tuple[tuple[Array, Array], ...]:
    """(mean of a product, product of the means)"""
    return (maa, ma * ma), (mbb, mb * mb), (mab, ma * mb)


def _scaled(maps: Array) -> Array:
    """Each in [0, 1]; NaN where it is the same everywhere."""
    axes = tuple(range(1, maps.ndim))
    low, high = maps.min(axis=axes, keepdims=True), maps.max(axis=axes, keepdims=True)
    return share(maps - low, high - low)
