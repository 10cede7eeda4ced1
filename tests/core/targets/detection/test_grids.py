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
    grid = find_grid(22 * 11, (176, 352), ((11, 22),))
    assert grid is not None
    assert (grid.single, set(grid.stride)) == (True, {16.0})
    assert grid.cell[23].tolist() == [1, 1]
    assert grid.repeated(2).cell.tolist() == np.tile(grid.cell, (2, 1)).tolist()


def test_nobody_knows_where_other_numbers_of_anchors_stand() -> None:
    assert find_grid(299, (640, 640)) is None
    assert find_grid(320, (64, 64), ((256,), (60,), (4,))) is None


def test_the_fewest_a_cell_are_taken() -> None:
    """8400 anchors of 640 pixels are one a cell of strides 8, 16, 32, or four of 16, 32, 64."""
    for levels in ((), ((6400,), (1600,), (400,))):
        grid = find_grid(8400, (640, 640), levels)
        assert grid is not None
        assert (grid.stride[0], grid.stride[-1]) == (8, 32)


def test_outputs_that_are_maps() -> None:
    grid = find_grid(10, (16, 32), ((2, 4), (1, 2)))
    assert grid is not None
    assert not grid.single
    assert grid.stride.tolist() == [8] * 8 + [16] * 2
    assert grid.cell[8:].tolist() == [[0, 0], [1, 0]]


def test_two_a_cell_and_then_six() -> None:
    grid = find_grid(896, (128, 128))
    assert grid is not None
    assert grid.stride.tolist() == [8] * 512 + [16] * 384
    assert grid.cell[[1, 2, 517, 518]].tolist() == [[0, 0], [1, 0], [0, 0], [1, 0]]


def test_anchors_map_after_map() -> None:
    grid = find_grid(30, (16, 32), ((3, 2, 4), (3, 1, 2)))
    assert grid is not None
    assert grid.number is not None
    i = 0
    for stride, height, width in ((8, 2, 4), (16, 1, 2)):
        for number in range(3):
            for row in range(height):
                for column in range(width):
                    own = (*grid.cell[i], grid.stride[i], grid.number[i])
                    assert own == (column, row, stride, number)
                    i += 1
    both = grid.repeated(2).at([3, 33])
    assert both.number is not None
    assert (both.cell.tolist(), both.number.tolist()) == ([[3, 0]] * 2, [0, 0])
