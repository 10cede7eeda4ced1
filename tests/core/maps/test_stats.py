"""The numbers of a map, against their formulas written as loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cam_core.errors import InputError
from cam_core.maps.stats import STATS, described, stats

SIZES = [(1, 1), (1, 5), (2, 2), (3, 3), (7, 7), (5, 9)]


def by_loops(signed: Any) -> list[float]:
    """The eight numbers of one map [H, W] in plain Python."""
    height, width = signed.shape
    lit = [[max(float(v), 0.0) for v in row] for row in signed]
    total = sum(sum(row) for row in lit)
    whole = sum(abs(float(v)) for v in signed.ravel())
    entropy = y = x = border = top = 0.0
    for i in range(height):
        for j in range(width):
            p = lit[i][j] / total if total else 0.0
            entropy -= p * math.log(p) if p else 0.0
            y += p * (i + 0.5) / height
            x += p * (j + 0.5) / width
            border += p if i in (0, height - 1) or j in (0, width - 1) else 0.0
            top = max(top, p)
    most = math.log(max(height * width, 2))
    ratio = total / whole if whole else 0.0
    highest = max(max(row) for row in lit)
    return [total / (height * width), entropy / most, y, x, border, ratio, top, highest]


def maps(size: tuple[int, int]) -> Any:
    """Any map, one of a single cell, one that is the same everywhere, one that is all negative."""
    rng = np.random.default_rng(3)
    found = rng.normal(size=(5, *size))
    found[1] = 0
    found[1, -1, 0] = 2.5
    found[2] = 0.75
    found[3] = -1
    found[4] = 0
    return found


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_each_number_is_its_loop(size: tuple[int, int]) -> None:
    signed = maps(size)
    expected = [by_loops(one) for one in signed]
    np.testing.assert_allclose(stats(np.maximum(signed, 0), signed), expected, rtol=0, atol=1e-12)


def test_in_single_precision_they_are_the_same() -> None:
    signed = maps((7, 7)).astype(np.float32)
    found = stats(np.maximum(signed, 0), signed)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [by_loops(one) for one in signed], rtol=1e-5, atol=1e-6)


def test_what_is_known_by_hand() -> None:
    cell, even = np.zeros((1, 4, 4)), np.full((1, 4, 4), 3.0)
    cell[0, 1, 2] = 8
    of_cell, of_even = (dict(zip(STATS, stats(one, one)[0], strict=True)) for one in (cell, even))
    assert of_cell == {
        **{"energy": 0.5, "entropy": 0, "centre_y": 0.375, "centre_x": 0.625, "border_share": 0},
        **{"positive_ratio": 1, "max_share": 1, "raw_max": 8},
    }
    assert of_even["entropy"] == pytest.approx(1, rel=1e-12)
    assert (of_even["centre_y"], of_even["centre_x"]) == (0.5, 0.5)
    assert (of_even["border_share"], of_even["max_share"]) == (12 / 16, 1 / 16)


@pytest.mark.parametrize("value", [0.0, -1.0, -1e-30])
def test_a_blank_map_has_zeros_and_no_nan(value: float) -> None:
    signed = np.full((1, 3, 5), value, np.float32)
    found = stats(np.maximum(signed, 0), signed)
    assert found.tolist() == [[0.0] * 8]
    assert not np.signbit(found).any()


def test_a_map_with_nan_has_no_numbers_of_its_own() -> None:
    signed = maps((3, 3))
    signed[0, 1, 1] = np.nan
    found = stats(np.maximum(signed, 0), signed)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4, 5)])
def test_maps_of_other_axes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="height and width"):
        stats(np.ones(shape), np.ones(shape))


def test_a_file_can_say_them() -> None:
    assert [row["name"] for row in described()] == list(STATS)
    assert {row["unit"] for row in described()} == {"score", "1", "height", "width"}
