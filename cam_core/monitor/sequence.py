"""Rows in sequence: how alike neighbours are, and which rows are far enough from one another.

Frames of a video are no photos drawn anew: a test that takes them for that calls alarm too often.
"""

from __future__ import annotations

import numpy as np

from ..backend import Array

SURE = 4.0
"""A correlation of neighbours above so many standard deviations 1 / sqrt(n) is no chance: of eight
numbers in ten thousand logs one."""
SLIGHT = 0.1
"""A correlation below that moves the rate by less than a fifth of it."""
APART = 2.0
"""Correlation times between rows that are taken: of an AR(1) e^-4 is left."""


def apart(values: Array) -> int:
    """Of how many rows in sequence one is to be taken, 1 where neighbours are not alike.

    tau = 1 + 2 sum_k r_k, the integrated autocorrelation time, r_k summed up to the first that is
    within chance (Sokal 1997); the longest of all numbers [N, J], times APART.
    """
    times = [correlation_time(column) for column in values.T]
    longest = max(times, default=1.0)
    return 1 if longest <= 1 else int(np.ceil(APART * longest))


def correlation_time(x: Array) -> float:
    """tau of one number [N] in sequence; 1 where its neighbours are not alike for sure."""
    r = autocorrelation(x)
    chance = SURE / np.sqrt(max(len(x), 1))
    if len(r) < 2 or r[1] < max(chance, SLIGHT):
        return 1.0
    within = np.flatnonzero(r < chance / SURE)
    last = int(within[0]) if within.size else len(r)
    return float(1 + 2 * r[1:last].sum())


def autocorrelation(x: Array) -> Array:
    """r_k = sum_i x_i x_(i + k) / sum x_i^2 of what is above the mean, for k = 0 .. n / 2."""
    if not len(x):
        return np.ones(1)
    centred = x - x.mean()
    power = float(centred @ centred)
    if not power > 0:
        return np.ones(1)
    size = 2 * len(x)
    spectrum = np.fft.rfft(centred, size)
    found: Array = np.fft.irfft(spectrum * spectrum.conj(), size)[: len(x) // 2 + 1]
    return found / power


def without_class_means(values: Array, strata: Array) -> Array:
    """Values [N, J] less the mean of their stratum, so that a log in order of class is well."""
    found = np.array(values, np.float64)
    for stratum in np.unique(strata):
        found[strata == stratum] -= found[strata == stratum].mean(axis=0)
    return found
