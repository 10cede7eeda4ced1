"""Maps of several scales as one, against loops over rows and places."""

from __future__ import annotations

from typing import Any

import numpy as np

from cam_core.maps.combine import interpolation_matrix
from cam_core.maps.scales import merge

SIZES = [(6, 4), (3, 2), (2, 2)]


def at(values: Any, size: tuple[int, int]) -> Any:
    """[*S] at another size, by its two matrices."""
    down, across = (interpolation_matrix(a, b) for a, b in zip(values.shape, size, strict=True))
    return down @ values @ across.T


def by_loops(signed: list[Any], floors: list[Any], row: int) -> tuple[Any, Any]:
    lit = dark = np.zeros(SIZES[0])
    for s, floor in zip(signed, floors, strict=True):
        top = max(0.0, float(s[row].max()))
        if top <= floor[row]:
            continue
        lit = np.maximum(lit, at(np.maximum(s[row], 0) / top, SIZES[0]))
        dark = np.maximum(dark, at(np.maximum(-s[row], 0) / top, SIZES[0]))
    merged = np.array([[p if p > 0 else -n for p, n in zip(*rows, strict=True)]
                       for rows in zip(lit, dark, strict=True)])  # fmt: skip
    return lit, merged


def test_each_place_has_the_largest_of_its_scales(rng: np.random.Generator) -> None:
    signed = [rng.normal(size=(3, *size)).astype(np.float32) for size in SIZES]
    signed[1][2] *= 1e-9  # noise, at this scale
    signed[2][1] = -1  # speaks against
    floors = [np.full(3, 1e-6, np.float32) for _ in SIZES]
    maps = [np.maximum(s, 0) for s in signed]
    lit, merged = merge(maps, signed, floors, SIZES[0])
    for row in range(3):
        expected = by_loops(signed, floors, row)
        np.testing.assert_allclose(lit[row], expected[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(merged[row], expected[1], rtol=1e-5, atol=1e-6)


def test_nothing_is_lit_where_all_is_noise() -> None:
    zero = np.zeros((1, 4, 4), np.float32)
    for array in merge(
        [zero, zero[:, ::2, ::2]], [zero, zero[:, ::2, ::2]], [np.zeros(1)] * 2, (4, 4)
    ):
        assert not array.any()
