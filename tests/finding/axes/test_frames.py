"""Frames by tables and by slices: which of the two axes says where, by index pictures in loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx.finding.axes.cells import cut, picked
from backends.onnx.finding.axes.factors import Factor, Given, size
from backends.onnx.finding.axes.frames import stacked

SIGNAL = (Factor(Given("x", 1, 100), 100),)


def table(first: int, hop: int, frames: int, step: int, long: int) -> Any:
    return first + hop * np.arange(frames)[:, None] + step * np.arange(long)


TABLES = {
    "overlapping": table(0, 4, 23, 1, 10),
    "from the middle on": table(30, 4, 10, 1, 8),
    "with gaps": table(0, 10, 10, 1, 4),
    "every other cell": table(0, 6, 14, 2, 9),
    "the window's axis first": table(0, 4, 23, 1, 10).T,
}


@pytest.mark.parametrize("name", TABLES)
def test_each_frame_covers_cells_that_it_reads(name: str) -> None:
    cells = TABLES[name]
    found = picked(SIGNAL, cells.ravel().tolist())
    assert [factor.extent for factor in found] == list(cells.shape)
    at = int(np.argmax([abs(factor.width) for factor in found]))
    frames, window = found[at], found[1 - at]
    rows = cells if at == 0 else cells.T
    hop = rows[1, 0] - rows[0, 0]
    for k, row in enumerate(rows):
        middle = frames.start + (k + 0.5) * float(frames.width)
        assert row[0] - hop / 2 <= middle <= row[-1] + 1 + hop / 2
    assert window.width == rows[0, 1] - rows[0, 0]


def test_slices_are_stacked_as_a_table_lists_them() -> None:
    slices = [((), (), cut(SIGNAL, 4 * k, 10)) for k in range(23)]
    found = stacked(slices, 1)
    assert found is not None
    assert (found[1], found[2]) == tuple(
        (f,) for f in picked(SIGNAL, TABLES["overlapping"].ravel().tolist())
    )


@pytest.mark.parametrize(
    "starts", [[0, 4, 9], [8, 4, 0], [0, 0, 0]], ids=["unevenly", "backwards", "the same"]
)
def test_slices_that_are_no_frames(starts: list[int]) -> None:
    assert stacked([((), (), cut(SIGNAL, start, 10)) for start in starts], 1) is None


def test_slices_along_their_own_axis_are_joined() -> None:
    assert stacked([((), cut(SIGNAL, start, 10)) for start in (0, 4)], 1) is None
    assert size(cut(SIGNAL, 4, 10)) == 10
