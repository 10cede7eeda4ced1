"""How loud an error is beside the tensor that it is in."""

from __future__ import annotations

import numpy as np

from ...backend import Array


def power(x: Array) -> float:
    """sum x^2, in float64."""
    wide = np.ravel(x).astype(np.float64)
    return float(wide @ wide)


def sqnr(signal: float, noise: float) -> float:
    """10 log10(signal / noise) in dB, of two powers; inf without noise, -inf of noise alone.

    Noise that is no finite number is -inf as well.
    """
    if noise == 0:
        return float("inf")
    if signal == 0 or not np.isfinite(noise):
        return float("-inf")
    return 10 * float(np.log10(signal) - np.log10(noise))
