"""Planted peaks are found, and squares stay inside."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.units import peaks, square


def test_planted_peaks() -> None:
    A = [np.zeros((2, 4, 8)), np.zeros((2, 2, 2)), np.zeros((2, 4, 8))]
    A[0][1, 3, 0], A[1][1, 0, 1], A[2][0, 0, 0] = 2.0, 3.0, 9.0
    assert peaks(A, 1, 2) == [(1, 3.0, (0.25, 0.75)), (0, 2.0, (3.5 / 4, 0.5 / 8))]
    assert [picture for picture, *_ in peaks(A, 0, 5)] == [2, 0, 1]


@pytest.mark.parametrize(
    ("middle", "side", "rows", "columns"),
    [
        ((50, 30), 20, (40, 60), (20, 40)),
        ((0, 79), 20, (0, 20), (60, 80)),
        ((99, 0), 20, (80, 100), (0, 20)),
        ((50, 40), 500, (10, 90), (0, 80)),
    ],
)
def test_a_square_lies_inside(
    middle: tuple[float, float], side: float, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    down, across = square(middle, side, (100, 80))
    assert (down.start, down.stop) == rows
    assert (across.start, across.stop) == columns
