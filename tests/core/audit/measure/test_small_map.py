"""The map that is kept of a photo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.audit.measure.small_map import averages, small_map
from cam_core.compare.photos import Seen


def seen(signed: Any) -> Seen:
    signed = np.asarray(signed, np.float32)
    return Seen(signed, float(signed.max()), 1e-6, None, "")


def test_it_is_the_positive_part_by_its_sum() -> None:
    assert small_map(seen([[1, -2], [3, 0]])) == [0.25, 0, 0.75, 0]


def test_a_finer_one_is_made_of_means() -> None:
    signed = np.random.default_rng(1).random((16, 8))
    blocks = signed.astype(np.float32).astype(np.float64).reshape(8, 2, 8).mean(axis=1)
    np.testing.assert_allclose(small_map(seen(signed)), (blocks / blocks.sum()).ravel(), rtol=1e-12)


@pytest.mark.parametrize("count", [9, 13, 20])
def test_cells_that_lie_in_two_parts_count_by_their_share(count: int) -> None:
    """Against the mean of each cell written 8 times over."""
    heat = np.random.default_rng(count).random((count, 3))
    fine = np.repeat(heat, 8, axis=0).reshape(8, count, 3).mean(axis=1)
    np.testing.assert_allclose(averages(heat, 0), fine, rtol=1e-12)


@pytest.mark.parametrize("signed", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones(4)])
def test_what_is_blank_or_no_plane_is_not_kept(signed: Any) -> None:
    assert small_map(seen(signed)) is None
