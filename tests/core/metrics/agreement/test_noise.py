"""SQNR against its formula written as loops, and where it has none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cam_core.metrics.agreement.noise import power, sqnr


def test_the_formula() -> None:
    a, e = np.random.default_rng(0).normal(size=(2, 3, 4))
    signal = sum(float(v) ** 2 for v in a.ravel())
    noise = sum(float(v) ** 2 for v in e.ravel())
    assert power(a) == pytest.approx(signal)
    assert sqnr(power(a), power(e)) == pytest.approx(10 * math.log10(signal / noise))


def test_float16_is_summed_in_float64() -> None:
    """300^2 is no number of float16."""
    assert power(np.full(4, 300, np.float16)) == 4 * 300**2


def test_the_ends() -> None:
    assert sqnr(1, 0) == sqnr(0, 0) == math.inf
    assert sqnr(0, 1) == sqnr(1, math.inf) == sqnr(1, math.nan) == -math.inf
    assert sqnr(1e200, 1e-200) == pytest.approx(4000)
