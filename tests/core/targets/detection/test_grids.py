"""The cell of each anchor, counted one by one."""

from __future__ import annotations

import numpy as np

from cam_core.targets.detection.grids import find_grid


def test_strides_one_after_the_other() -> None:
    grid = find_grid(3549, (416, 416))
    assert grid is not None
    i = 0
    for stride in (8, 16, 32):
        for row in range(416 // stride):
            for column in range(416 // stride):
                assert (*grid.cell[i], grid.stride[i]) == (column, row, stride)
                i += 1
    assert i == 3549


def test_several_anchors_a_cell() -> None:
    grid = find_grid(3 * (8 * 16 + 4 * 8), (64, 128))
    assert grid is not None
    assert grid.cell[:4].tolist() == [[0, 0], [0, 0], [0, 0], [1, 0]]
    assert grid.cell[-1].tolist() == [7, 3]


def test_one_map_with_its_axes() -> None:
    grid = find_grid(22 * 11, (176, 352), (11, 22))
    assert grid is not None
    assert (grid.single, set(grid.stride)) == (True, {16.0})
    assert grid.cell[23].tolist() == [1, 1]
    assert grid.repeated(2).cell.tolist() == np.tile(grid.cell, (2, 1)).tolist()


def test_nobody_knows_where_other_numbers_of_anchors_stand() -> None:
    assert find_grid(299, (640, 640)) is None
    assert find_grid(20, (32, 32)) is None  # one map of stride 8 and the next, or more a cell
