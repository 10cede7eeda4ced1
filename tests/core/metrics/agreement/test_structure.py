"""SSIM window by window."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.metrics.agreement import ssim

Array = np.ndarray


def by_windows(a: Array, b: Array, size: int) -> float:
    a, b = ((x - x.min()) / (x.max() - x.min()) for x in (a, b))
    found = []
    for corner in product(*(range(n - size + 1) for n in a.shape)):
        cells = tuple(slice(c, c + size) for c in corner)
        p, q = a[cells].ravel(), b[cells].ravel()
        cov = np.cov(p, q)
        light = (2 * p.mean() * q.mean() + 1e-4) / (p.mean() ** 2 + q.mean() ** 2 + 1e-4)
        found.append(light * (2 * cov[0, 1] + 9e-4) / (cov[0, 0] + cov[1, 1] + 9e-4))
    return float(np.mean(found))


@pytest.mark.parametrize(
    ("space", "window", "used"), [((9, 11), None, 7), ((5, 6), None, 5), ((6, 6, 5), 3, 3)], ids=str
)
def test_ssim_by_windows(
    space: tuple[int, ...], window: int | None, used: int, rng: np.random.Generator
) -> None:
    a = rng.random((3, *space))
    b = a + rng.normal(size=a.shape)
    expected = [by_windows(a[row], b[row], used) for row in range(3)]
    np.testing.assert_allclose(ssim(a, b, window=window), expected, rtol=1e-9)


def test_scale_and_offset_do_not_count(rng: np.random.Generator) -> None:
    a = rng.random((1, 8, 8))
    assert ssim(a, 3 * a + 2)[0] == pytest.approx(1)


def test_an_even_map_has_none_and_a_window_must_fit(rng: np.random.Generator) -> None:
    a = rng.random((1, 8, 8))
    assert math.isnan(ssim(a, np.zeros_like(a))[0])
    for window in (4, 1, 9):
        with pytest.raises(InputError, match="does not fit"):
            ssim(a, a, window=window)
