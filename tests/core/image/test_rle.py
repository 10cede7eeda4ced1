"""Run lengths against a loop, and against an example written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import Array
from cam_core.image.rle import mask_of, run_lengths

RNG = np.random.default_rng(0)
MASKS = {
    "random": RNG.random((7, 5)) > 0.5,
    "begins inside": RNG.random((4, 9)) > 0.1,
    "empty": np.zeros((3, 4), bool),
    "full": np.ones((3, 4), bool),
    "one pixel": np.ones((1, 1), bool),
}


def looped(mask: Array) -> list[int]:
    """Pixel by pixel, down each column."""
    counts, inside = [0], False
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if bool(mask[y, x]) != inside:
                counts.append(0)
                inside = not inside
            counts[-1] += 1
    return counts


@pytest.mark.parametrize("name", MASKS)
def test_against_a_loop_and_back(name: str) -> None:
    mask = MASKS[name]
    runs = run_lengths(mask)
    assert runs == {"size": list(mask.shape), "counts": looped(mask)}
    np.testing.assert_array_equal(mask_of(runs), mask)


def test_by_hand() -> None:
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)  # columns 00, 10, 11
    assert run_lengths(mask) == {"size": [2, 3], "counts": [2, 1, 1, 2]}
    assert run_lengths(~mask)["counts"] == [0, 2, 1, 1, 2]
