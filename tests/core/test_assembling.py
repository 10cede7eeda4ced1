"""A sum over few places is the sum over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.assembling import by_row, lit_window, summed

LIT = {
    "one place": [(3, 5)],
    "a corner": [(0, 0), (1, 0)],
    "two far ones": [(0, 0), (7, 9)],
    "everywhere": [(y, x) for y in range(8) for x in range(10)],
    "nowhere": [],
}


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("lit", LIT)
def test_the_sum_and_its_noise(lit: str, told: bool, rng: np.random.Generator) -> None:
    A, alpha = rng.normal(size=(2, 2, 3, 8, 10)).astype(np.float32)
    keep = np.zeros((8, 10), bool)
    for place in LIT[lit]:
        keep[place] = True
    alpha = np.where(keep, alpha, 0).astype(np.float32)
    rows, columns = np.array(LIT[lit] or [(0, 0)]).T
    known = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    signed, floor = summed(A, alpha, A.dtype, within=known if told else None)
    expected, largest = np.zeros((2, 8, 10)), np.zeros(2)
    for n, y, x in np.ndindex(2, 8, 10):
        each = [float(alpha[n, k, y, x]) * float(A[n, k, y, x]) for k in range(3)]
        expected[n, y, x] = sum(each)
        largest[n] = max(largest[n], sum(map(abs, each)))
    np.testing.assert_allclose(signed, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(floor, 8 * np.finfo(np.float32).eps * largest, rtol=1e-5)
    assert (signed.shape, signed.dtype) == ((2, 8, 10), np.float32)


def test_the_window_is_of_all_rows_and_channels() -> None:
    alpha = np.zeros((2, 3, 8, 10))
    alpha[0, 1, 2, 3] = alpha[1, 2, 4, 5] = -1
    assert lit_window(alpha) == (slice(2, 5), slice(3, 6))
    alpha[0, 0, 0, 0] = alpha[0, 0, 7, 9] = 1
    assert lit_window(alpha) is None  # more than half of the places
    assert lit_window(0 * alpha) is None
    apart = np.zeros_like(alpha)
    apart[0, 0, 0, 0] = apart[0, 1, -1, -1] = 1
    assert lit_window(apart) is None  # two corners, and all between them
    apart[0, 1, -1, -1] = 0
    assert lit_window(apart) == (slice(0, 1), slice(0, 1))


def test_frames_are_rows_of_maps() -> None:
    assert (
        by_row(np.arange(12).reshape(6, 2), 3).tolist() == np.arange(12).reshape(3, 2, 2).tolist()
    )
