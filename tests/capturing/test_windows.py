"""Windows: where they lie, and that the gradient in one is that of the whole map."""

from __future__ import annotations

import numpy as np
import pytest

from backends.onnx.capturing.part import Part, part
from backends.onnx.capturing.windows import Block, Windowed, entries
from backends.onnx.finding.analysis import analyse
from backends.onnx.finding.near import Near
from tests.differences import assert_near
from tests.scaled_detector import scaled_detector
from tests.sessions import open_session, run

SEEN = analyse(scaled_detector(), ["nf"], "=y")
ENDS = {"pf": Near((2, 3), (2, 2))}


def heads(asked: list) -> Windowed:
    """From the fine layer to its end; the sizes that it makes models for are told."""

    def make(sizes: tuple[int | str, ...] | None) -> Part:
        asked.append(sizes)
        shapes = None if sizes is None else {"nf": [None, None, *sizes]}
        return part(SEEN, ["nf"], ["pf"], ["nf"], shapes=shapes)

    return Windowed("nf", (2, 3), ENDS, make, open_session, open_session)


def by_rows(asked: list) -> Windowed:
    """The same, whose rows are for themselves."""

    def make(sizes: tuple[int | str, ...] | None) -> Part:
        asked.append(sizes)
        shapes = None if sizes is None else {"nf": [sizes[0], None, *sizes[1:]]}
        return part(SEEN, ["nf"], ["pf"], ["nf"], shapes=shapes)

    ends = {"pf": Near((0, 2, 3), (0, 2, 2))}
    return Windowed("nf", (0, 2, 3), ends, make, open_session, open_session)


def cotangent(*cells: tuple[int, int]) -> np.ndarray:
    found = np.zeros((1, 4, 8, 8), np.float32)
    for number, (row, column) in enumerate(cells):
        found[0, number % 4, row, column] = 1 + number
    return found


CELLS = [(0, 0), (0, 7), (7, 0), (7, 7), (1, 4), (4, 1), (3, 3), (6, 5)]


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_in_a_window_is_that_of_the_whole(cell, rng) -> None:
    """At corners, at borders and in the middle, 0 outside."""
    asked: list = []
    A = rng.normal(size=(1, 6, 8, 8)).astype(np.float32)
    cot = cotangent(cell)
    found = heads(asked).pull(A, {"pf": entries(cot)})
    assert asked == [(5, 5)]
    assert found.values.shape == (1, 6, 5, 5)
    whole = part(SEEN, ["nf"], ["pf"], ["nf"])
    expected = run(whole.model, {"nf": A, whole.cotangents["pf"]: cot})[whole.gradients["nf"]]
    # sums in another order where another kernel runs
    assert_near(found.whole(), expected, rtol=1e-6)


def test_cells_apart_are_one_way_back_through_the_whole(rng) -> None:
    asked: list = []
    windowed = heads(asked)
    A = rng.normal(size=(1, 6, 8, 8)).astype(np.float32)
    cells = [(0, 0), (7, 6)]
    both = windowed.pull(A, {"pf": entries(cotangent(*cells))})
    assert asked == [None]
    assert both.values.shape == both.shape
    single = windowed.pull(A, {"pf": entries(cotangent(cells[0]))})
    second = windowed.pull(A, {"pf": entries(cotangent(*cells) - cotangent(cells[0]))})
    assert asked == [None, (5, 5)]
    assert_near(both.whole(), single.whole() + second.whole(), rtol=1e-6)


def test_windows_of_one_size_run_together(rng) -> None:
    """Those of eight cells and of all the map: two runs, and what each gives on its own."""
    asked: list = []
    A = rng.normal(size=(1, 6, 8, 8)).astype(np.float32)
    several = [{"pf": entries(cotangent(cell))} for cell in CELLS]
    several.insert(3, {"pf": entries(cotangent(*CELLS))})
    found = by_rows(asked).pull_all(A, several)
    assert asked == [("rows", 5, 5), None]
    for block, one in zip(found, several, strict=True):
        alone = heads([]).pull(A, one)
        assert (block.place, block.shape) == (alone.place, alone.shape)
        assert_near(block.whole(), alone.whole(), rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [((0, 7), [(0, 5), (3, 5)]), ((3, 4), [(1, 5), (2, 5)]), ((6, 1), [(3, 5), (0, 5)])],
)
def test_a_window_lies_around_its_cell_and_within_the_map(cell, expected) -> None:
    found = heads([]).window((1, 6, 8, 8), {"pf": entries(cotangent(cell))})
    assert found == tuple(expected)


def test_of_a_map_that_is_no_larger_the_window_is_all() -> None:
    small = {"pf": entries(cotangent((2, 2), (0, 3))[:, :, :4, :4])}
    assert heads([]).window((1, 6, 4, 4), small) == ((0, 4), (0, 4))


def test_numbers_that_are_not_zero() -> None:
    found = entries(cotangent((1, 2), (3, 4)))
    assert found.values.tolist() == [1, 2]
    assert [np.unravel_index(at, found.shape) for at in found.at] == [(0, 0, 1, 2), (0, 1, 3, 4)]


def test_those_of_one_row() -> None:
    values = np.array([[[0.0, 1], [2, 0]], [[0, 0], [0, 5]]])
    assert entries(values).row(0).at.tolist() == [1, 2]
    second = entries(values).row(1)
    assert (second.at.tolist(), second.values.tolist(), second.shape) == ([3], [5], (1, 2, 2))


def test_a_block_is_zero_around() -> None:
    block = Block(np.ones((1, 2)), (slice(0, 1), slice(1, 3)), (2, 4))
    assert block.whole().tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]
