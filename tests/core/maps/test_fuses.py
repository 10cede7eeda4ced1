"""The maps of several layers as one, by each fuse, against loops and values of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.combine import normalise
from cam_core.maps.fuses import FUSES, find_fuse, fused
from cam_core.maps.scales import merge

Array = np.ndarray
SIZES = [(4, 6), (2, 3), (4, 1)]


def at(map_: Array, size: tuple[int, int]) -> Array:
    """Linear between the centres of cells, place by place; beyond the last centre it stays."""
    found = np.zeros(size)
    for place in np.ndindex(*size):
        for corner in np.ndindex(2, 2):
            weight, cell = 1.0, []
            for p, n, extent, side in zip(place, size, map_.shape, corner, strict=True):
                centre = (p + 0.5) * extent / n - 0.5
                low = math.floor(centre)
                weight *= (centre - low) if side else 1 - (centre - low)
                cell.append(min(max(low + side, 0), extent - 1))
            found[place] += weight * map_[tuple(cell)]
    return found


def stretched(map_: Array) -> Array:
    low, high = map_.min(), map_.max()
    return (map_ - low) / (high - low) if high > low else 0 * map_


EACH: dict[str, tuple[Callable[[Array], Array], Callable[[list[float]], float]]] = {
    "max": (lambda m: m / m.max(), max),
    "mean": (stretched, lambda v: sum(v) / len(v)),
    "product": (stretched, math.prod),
    "root": (stretched, lambda v: math.prod(v) ** (1 / len(v))),
    "scaled-max": (lambda m: np.vectorize(math.tanh)(2 * m / m.max()), max),
}


def test_every_fuse_has_an_oracle() -> None:
    assert set(EACH) == set(FUSES)


@pytest.fixture
def signed(rng: np.random.Generator) -> list[Array]:
    return [rng.normal(size=(3, *size)) + 0.4 for size in SIZES]


def floors() -> list[Array]:
    return [np.full(3, 1e-6) for _ in SIZES]


@pytest.mark.parametrize("how", EACH)
def test_it_is_its_loops(how: str, signed: list[Array]) -> None:
    each, mix = EACH[how]
    lit, both = fused(how, [np.maximum(s, 0) for s in signed], signed, floors(), SIZES[0])
    for row in range(3):
        maps = [at(each(np.maximum(s[row], 0)), SIZES[0]) for s in signed]
        against = [at(np.maximum(-s[row], 0) / s[row].max(), SIZES[0]) for s in signed]
        for place in np.ndindex(*SIZES[0]):
            expected = mix([float(m[place]) for m in maps])
            assert lit[row][place] == pytest.approx(expected, rel=1e-9, abs=1e-12)
            dark = -mix([float(m[place]) for m in against])
            assert both[row][place] == pytest.approx(expected or dark, rel=1e-9, abs=1e-12)


def test_max_is_that_of_the_scales_of_a_detector(signed: list[Array]) -> None:
    of = [np.maximum(s, 0) for s in signed], signed, floors(), SIZES[0]
    for found, expected in zip(fused("max", *of), merge(*of), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("how", FUSES)
def test_noise_counts_for_nothing(how: str, signed: list[Array]) -> None:
    signed[1][2] *= 1e-9
    lit, _ = fused(how, [np.maximum(s, 0) for s in signed], signed, floors(), SIZES[0])
    nothing = how in ("product", "root")
    assert bool(np.any(lit[2])) is not nothing
    assert np.isfinite(lit).all()


@pytest.mark.parametrize("how", FUSES)
def test_maps_of_one_number_have_no_noise_to_stretch(how: str) -> None:
    flat = np.full((1, 2, 2), 0.3)
    lit, _ = fused(how, [flat, flat], [flat, flat], [np.zeros(1)] * 2, (2, 2))
    expected = {"max": 1.0, "scaled-max": math.tanh(2)}.get(how, 0.0)
    np.testing.assert_allclose(lit, expected)


# Values of others, for maps of one size.
OTHERS: list[tuple[str, Any, Any]] = [
    # pytorch-grad-cam 1.5.7, two layers aggregated: normalised once more, as a heatmap is
    ("mean", ([[0.2, 0.4], [0.6, 0.8]], [[1, 0], [0, 1]]), [[0.4, 0], [0.2, 0.9999999]]),
    # torch-cam's test of RefineCAM: 0, 2/9, 2/9, 0 before it is normalised
    ("product", ([[0, 1], [2, 3]], [[3, 2], [1, 0]]), [[0, 1], [1, 0]]),
]


@pytest.mark.parametrize(("how", "maps", "final"), OTHERS, ids=[o[0] for o in OTHERS])
def test_values_of_others(how: str, maps: Any, final: Any) -> None:
    each = [np.array([m], float) for m in maps]
    lit, _ = fused(how, each, each, [np.zeros(1)] * 2, (2, 2))
    # 1e-7 is a part of that normalising, and 2/9 of its maximum here
    np.testing.assert_allclose(normalise(lit)[0], final, atol=5e-7)
    if how == "product":
        np.testing.assert_allclose(lit[0], [[0, 2 / 9], [2 / 9, 0]])


def test_an_unknown_one_is_named() -> None:
    with pytest.raises(InputError, match="no fuse 'sum'; there are max, mean, product, root, sc"):
        find_fuse("sum")
