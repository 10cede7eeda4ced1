"""Rows of arrays, against plain slices."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.rows import count, row

ARRAY = np.arange(24).reshape(2, 3, 4)
FLOAT = np.dtype("float32")


@pytest.mark.parametrize(
    ("axis", "rows", "second"),
    [(0, 2, ARRAY[1:2]), (1, 3, ARRAY[:, 1:2]), (2, 4, ARRAY[:, :, 1:2]), (None, 1, ARRAY)],
)
def test_rows_lie_along_their_axis(axis: int | None, rows: int, second: object) -> None:
    info = InputInfo("x", (None, None, None), FLOAT, row_axis=axis)
    assert count(ARRAY, info) == rows
    np.testing.assert_array_equal(row(ARRAY, info, 1), second)
    assert info.batched == (axis == 0)


def test_one_row_is_for_all_and_a_scalar_has_none() -> None:
    single, scalar = ARRAY[:1], np.array(7)
    assert row(single, InputInfo("x", (None, 3, 4), FLOAT), 5) is single
    info = InputInfo("x", (), FLOAT)
    assert (count(scalar, info), row(scalar, info, 5), info.batched) == (1, 7, False)
