"""Slopes by differences alone, against formulas."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest

from cam_core.metrics.slopes.curve import FINEST, UNIT, Curve, estimate
from cam_core.targets import ClassTarget


def curve(f: Callable[[Any], Any], A: Any) -> Curve:
    """Y = the sum of f over the cells of each row."""
    A = np.asarray(A)
    return Curve(lambda a: f(a).sum(axis=(1, 2))[:, None], ClassTarget(0), A, A.dtype)


def test_a_smooth_slope_is_exact_to_the_fourth_order(rng: np.random.Generator) -> None:
    A, d = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5))
    found = estimate(*islice(curve(np.sin, A).ladder(d, 3), 3))
    assert found.slope == pytest.approx(np.sum(np.cos(A) * d), rel=1e-7)
    assert found.h == UNIT * 2.0**-5
    assert abs(found.jump) < 1e-2
    assert found.error < 1e-4


@pytest.mark.parametrize("h", [0, 4, 8])
def test_a_kink_has_a_jump_and_two_ends(h: int, rng: np.random.Generator) -> None:
    """|A + t d| at A = 0: its slopes are |d| and -|d|, all along the ladder."""
    d = rng.normal(size=(1, 3, 5))
    found = estimate(*islice(curve(np.abs, np.zeros(d.shape)).ladder(d, h), 3))
    assert found.jump == pytest.approx(2 * np.abs(d).sum())
    assert found.slope == pytest.approx(0, abs=1e-9)
    assert found.error < 1e-9


def test_noise_is_that_of_the_function(rng: np.random.Generator) -> None:
    """Steps of 1e-3, a hundred times those of float32, are seen; Y's own type is the least."""
    A = rng.normal(size=(1, 3, 50)).astype(np.float32)

    def stepped(a: Any) -> Any:
        return np.round(a.astype(np.float64) * 1e6) / 1e3

    assert 1e-3 < curve(stepped, A).noise < 1e-1
    exact = curve(lambda a: a * 0 + 1.0, A)
    assert exact.noise == pytest.approx(np.finfo(np.float32).eps * 150 / 2)


@pytest.mark.parametrize(("off", "expected"), [(1e-9, True), (1e-3, False)])
def test_blur_is_of_kinks_nearer_than_float32(
    off: float, expected: bool, rng: np.random.Generator
) -> None:
    """|A - b|: each move of A throws the signs of the kinks anew, and the slopes with them."""
    A, d = rng.normal(size=(1, 4, 50)), rng.normal(size=(1, 4, 50))
    blur = curve(lambda a: np.abs(a - A - off), A).blur(d, 1e-12)
    if expected:  # of both slopes each has |d| for its deviation
        assert 0.5 < blur / (np.sqrt(2) * np.linalg.norm(d)) < 1.5
    else:
        assert blur < 1e-3


def test_a_fine_curve_begins_with_the_smallest_step() -> None:
    A = np.ones((1, 1, 4))
    coarse, fine = (
        Curve(lambda a: a.sum(axis=(1, 2))[:, None], ClassTarget(0), A, A.dtype, fine=fine)
        for fine in (False, True)
    )
    for wanted in (1e-2, 1e-6):
        k = fine.start(wanted)
        assert coarse.start(wanted) == 0
        assert k == FINEST or fine.noise / wanted <= UNIT * 2.0**-k < 2 * fine.noise / wanted


def test_what_is_no_number_is_never_sure() -> None:
    A = np.ones((1, 1, 4))
    with np.errstate(invalid="ignore"):
        found = estimate(*islice(curve(lambda a: np.sqrt(a - 1), A).ladder(A), 3))
    assert found.error == np.inf
