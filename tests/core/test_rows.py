"""Rows of arrays, against plain slices."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.rows import all_filled, count, filled, refilled, row

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


FOUR = InputInfo("four", (4, 3), FLOAT)


def test_a_fixed_batch_is_filled_and_a_clip_is_not() -> None:
    one = np.arange(3.0)[None]
    np.testing.assert_array_equal(filled(one, FOUR), [[0, 1, 2]] * 4)
    state = np.arange(10.0).reshape(2, 1, 5)
    three = InputInfo("state", (2, 3, 5), FLOAT, row_axis=1)
    np.testing.assert_array_equal(filled(state, three)[:, 2], state[:, 0])
    frame = np.zeros((1, 3, 4, 4))
    assert filled(frame, InputInfo("clip", (8, 3, 4, 4), FLOAT, row_axis=None)) is frame
    np.testing.assert_array_equal(all_filled(one, [FOUR]), [[0, 1, 2]] * 4)
    both = all_filled({"four": one, "more": one}, [FOUR])
    assert isinstance(both, dict)
    assert [len(both[name]) for name in ("four", "more")] == [4, 1]


def test_a_row_for_a_model_of_another_batch() -> None:
    one, many = np.arange(3.0)[None], np.arange(3.0)[None].repeat(4, axis=0)
    two, any_ = InputInfo("four", (2, 3), FLOAT), InputInfo("four", (None, 3), FLOAT)
    np.testing.assert_array_equal(refilled(many, [FOUR], [two]), [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(refilled(one, [any_], [FOUR]), many)
    assert refilled(many, [FOUR], [any_]) is many
    by_name = {"four": many}
    assert refilled(by_name, [FOUR], [any_]) is by_name
    found = refilled(by_name, [FOUR], [two])
    assert isinstance(found, dict)
    assert found["four"].shape == (2, 3)
