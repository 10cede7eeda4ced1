"""Which array a map is drawn over: the one with its axes, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cam_core.backend import Array, InputInfo
from cam_core.cli.inputs.beneath import beneath
from cam_core.region import Region

ROWS: dict[str, tuple[Sequence[tuple[str, tuple[int, ...], int | None]], tuple[int, ...], str]] = {
    # inputs as (type, shape, axis of the channels); the map; "which array [*S, C], map [*s]"
    "a signal": ([("float32", (1, 2, 40), 1)], (10,), "0 40x2 10"),
    "channels last": ([("float32", (1, 40, 2), 2)], (10,), "0 40x2 10"),
    "counted from the end": ([("float32", (1, 40, 2), -1)], (10,), "0 40x2 10"),
    "no axis of channels": ([("float32", (1, 40), None)], (10,), "0 40x1 10"),
    "axes unknown": ([("float32", (1, 2, 40), None)], (10,), "0 40x2 10"),
    "another axis than is said": ([("float32", (1, 40, 2), 1)], (10,), "0 40x2 10"),
    "a clip, another axis": ([("float32", (1, 16, 3, 8, 9), 1)], (4, 3, 2), "0 16x8x9x3 4x3x2"),
    "ids are no signal": ([("int64", (1, 40), None)], (40,), "- 40"),
    "a picture": ([("float32", (1, 3, 8, 9), 1)], (4, 5), "0 8x9x3 4x5"),
    "a picture, channels last": ([("uint8", (1, 8, 9, 3), 3)], (4, 5), "0 8x9x3 4x5"),
    "a picture without": ([("float32", (1, 8, 9), None)], (4, 5), "0 8x9x1 4x5"),
    "a volume": ([("float32", (1, 1, 8, 9, 7), 1)], (4, 3, 2), "0 8x9x7x1 4x3x2"),
    "a clip": ([("float32", (1, 16, 3, 8, 9), 2)], (4, 3, 2), "0 16x8x9x3 4x3x2"),
    "the second has its axes": (
        [("float32", (1, 1, 40), 1), ("float32", (1, 1, 8, 9), 1)], (4, 5), "1 8x9x1 4x5",
    ),
    "the first of two": (
        [("float32", (1, 1, 40), 1), ("float32", (1, 1, 30), 1)], (10,), "0 40x1 10",
    ),
    "a height of one": ([("float32", (1, 2, 1, 40), 1)], (1, 10), "0 40x2 10"),
    "a width of one": ([("float32", (1, 2, 40, 1), 1)], (10, 1), "0 40x2 10"),
    "a map of one row": ([("float32", (1, 2, 40), 1)], (1, 10), "0 40x2 10"),
    "along a width": ([("float32", (1, 3, 8, 40), 1)], (10,), "0 8x40x3 1x10"),
    "along a height": ([("float32", (1, 3, 40, 8), 1)], (10,), "0 40x8x3 10x1"),
    "along one row": ([("float32", (1, 2, 1, 40), 1)], (10,), "0 40x2 10"),
    "one place": ([("float32", (1, 2, 1, 1), 1)], (1, 1), "0 1x2 1"),
    "a volume of one slice": ([("float32", (1, 1, 1, 9, 7), 1)], (1, 3, 2), "0 9x7x1 3x2"),
    "more axes than the array": ([("float32", (1, 2, 40), 1)], (4, 5), "- 4x5"),
    "fewer places than cells": ([("float32", (1, 7), None)], (10,), "- 10"),
    "a map that was enlarged": ([("float32", (1, 3, 8, 9), 1)], (16, 18), "0 8x9x3 16x18"),
    "no axes at all": ([("float32", (1, 2), None)], (), "- 1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
def test_the_array_that_has_the_maps_axes(kind: str) -> None:
    inputs, shape, expected = ROWS[kind]
    infos = [
        InputInfo(f"x{i}", s, np.dtype(dtype), axis) for i, (dtype, s, axis) in enumerate(inputs)
    ]
    arrays = [np.zeros(info.shape, info.dtype) for info in infos]  # type: ignore[arg-type]
    found = beneath(list(zip(infos, arrays, strict=True)), np.zeros(shape))
    assert f"{which(found.values, arrays)} {size(found.cells)}" == expected
    assert ("alone" in found.note) == (found.values is None)


def which(values: Array | None, arrays: Sequence[Array]) -> str:
    """A view of one of them: nothing is copied."""
    if values is None:
        return "-"
    (index,) = (i for i, array in enumerate(arrays) if np.shares_memory(array, values))
    return f"{index} {size(values)}"


def size(array: Array) -> str:
    return "x".join(map(str, array.shape))


def test_values_stay_at_their_places(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 2, 6, 5)).astype(np.float32)
    info = InputInfo("x", (1, 2, 6, 5), x.dtype, 1)
    cells = rng.normal(size=(3, 5))
    found = beneath([(info, x)], cells)
    assert found.values is not None
    assert found.note == ""
    np.testing.assert_array_equal(found.cells, cells)
    for c, y, column in np.ndindex(2, 6, 5):
        assert found.values[y, column, c] == x[0, c, y, column]


def test_of_several_inputs_one_is_named() -> None:
    shapes = {"eeg": (1, 14, 40), "ecg": (1, 1, 40), "age": (1, 1)}
    given = [
        (InputInfo(name, shape, np.dtype("f4"), 1 if len(shape) > 2 else None), np.zeros(shape))
        for name, shape in shapes.items()
    ]
    assert beneath(given, np.zeros(10)).note == "over input 'eeg'; 'ecg' would fit as well"
    assert beneath(given[1:], np.zeros(10)).note == "over input 'ecg'"
    assert beneath(given[1:2], np.zeros(10)).note == ""


def test_of_four_axes_the_largest_along_the_first(rng: np.random.Generator) -> None:
    cells = rng.uniform(size=(2, 3, 4, 5))
    found = beneath([], cells)
    assert found.values is None
    for index in np.ndindex(3, 4, 5):
        assert found.cells[index] == max(cells[(first, *index)] for first in range(2))


REGIONS = {
    "of two that fit, its own": (Region("b", (2,), ((0, 1),)), (10,), "1 30x1 10"),
    "axes in the order of the input": (
        Region("c", (1, 3), ((0, 1), (0, 1))),
        (4, 5),
        "2 6x8x7 4x5",
    ),
    "a part of it": (Region("b", (2,), ((0.5, 1),)), (10,), "1 15x1 10"),
    "more than there is": (Region("b", (2,), ((-0.5, 1.5),)), (10,), "1 30x1 10"),
}
"""What a map covers, its shape, and which of a, b, c lies under it."""


@pytest.mark.parametrize("name", REGIONS)
def test_a_map_that_says_where_it_is_from_lies_there(name: str) -> None:
    region, cells, expected = REGIONS[name]
    shapes = {"a": (1, 1, 40), "b": (1, 1, 30), "c": (1, 6, 7, 8)}
    given = [
        (InputInfo(n, shape, np.dtype(np.float32), 1), np.arange(np.prod(shape)).reshape(shape))
        for n, shape in shapes.items()
    ]
    ground = beneath(given, np.zeros(cells), region)
    assert ground.values is not None
    which = int(expected[0])
    assert ground.note == f"over input '{'abc'[which]}'"
    sizes = ["x".join(map(str, a.shape)) for a in (ground.values, ground.cells)]
    assert f"{which} {' '.join(sizes)}" == expected
    kept = np.moveaxis(given[which][1][0], 1, -1) if which == 2 else given[which][1][0].T
    np.testing.assert_array_equal(ground.values, kept[-len(ground.values) :])


def test_an_axis_that_the_file_lays_out_is_drawn_as_that_picture() -> None:
    array = np.arange(2 * 24, dtype=np.float32).reshape(1, 2, 24)
    info = InputInfo("x", (1, 2, 24), array.dtype, 1)
    region = Region("x", (2, 3), ((0, 1), (0.5, 1)), (2, 3), folded=((2, 4), (3, 6)))
    ground = beneath([(info, array)], np.zeros((2, 2)), region)
    assert ground.values is not None
    for channel, high, wide in np.ndindex(2, 4, 3):
        assert ground.values[high, wide, channel] == 24 * channel + 6 * high + wide + 3
    assert ground.note == "over input 'x', laid out as 4 x 6 as in the file"


def test_a_region_of_an_input_that_was_not_given_is_no_help() -> None:
    info = InputInfo("a", (1, 1, 40), np.dtype(np.float32), 1)
    ground = beneath([(info, np.zeros((1, 1, 40)))], np.zeros(10), Region("b", (2,), ((0, 1),)))
    assert ground.values is not None
    assert ground.values.shape == (40, 1)


def test_frames_that_are_given_whole_lie_under_their_own_maps(rng: np.random.Generator) -> None:
    clip = rng.normal(size=(2, 3, 6, 5)).astype(np.float32)
    info = InputInfo("clip", (2, 3, 6, 5), clip.dtype, 1, row_axis=None)
    places = Region("clip", (2, 3), ((0, 1), (0, 1)))  # of a map [frames, H, W]
    found = beneath([(info, clip[None])], rng.normal(size=(2, 3, 5)), places)
    assert found.values is not None
    assert found.cells.shape == (2, 3, 5)
    for t, c, y, column in np.ndindex(2, 3, 6, 5):
        assert found.values[t, y, column, c] == clip[t, c, y, column]
    mean = beneath([(info, clip[None])], np.zeros((3, 5)), places)  # of a map of all frames
    assert mean.values is not None
    assert mean.values.shape == (6, 5, 6)
