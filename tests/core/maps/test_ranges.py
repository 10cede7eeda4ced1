"""Orders of cells as ranges: read back they are the very numbers, however they are spelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cam_core.maps.ranges import SHORT, read, runs, spelled

LONG = 1000
ORDERS: dict[str, tuple[Sequence[int], str]] = {
    "rolled": ([*range(400, LONG), *range(400)], "400-999,0-399"),
    "backwards": (range(LONG - 1, -1, -1), "999-0"),
    "interleaved": ([*range(0, LONG, 2), *range(1, LONG, 2)], "0-998/2,1-999/2"),
    "backwards by threes": (range(LONG - 1, -1, -3), "999-0/3"),
    "one that was taken out": ([7, *range(7), *range(8, LONG)], "7-0/7,1-6,8-999"),
    "short": ([3, 4, 0, 1, 2], "3,4,0,1,2"),
    "none": ([], ""),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_and_its_text(name: str) -> None:
    cells, text = ORDERS[name]
    assert spelled(cells) == text
    assert read(text) == tuple(cells)
    assert [cell for part in runs(cells) for cell in part] == list(cells)


@given(st.lists(st.integers(0, 300), max_size=3 * SHORT))
def test_any_numbers_come_back(cells: list[int]) -> None:
    assert read(spelled(cells)) == tuple(cells)
    assert [cell for part in runs(cells) for cell in part] == cells


def test_a_drawn_order_of_many() -> None:
    cells = np.random.default_rng(0).permutation(LONG).tolist()
    assert read(spelled(cells)) == tuple(cells)
