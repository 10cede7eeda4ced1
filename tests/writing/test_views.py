"""Which axes became which: held against the places of numbers in a real reshape."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.onnx.writing.views import PRIME, groups, numbers

VIEWS = [
    ((2, 3, 4), (6, 4)),
    ((2, 3, 4), (2, 12)),
    ((6, 4), (2, 3, 4)),
    ((2, 3, 4, 5), (6, 20)),
    ((4, 6), (6, 4)),
    ((1, 2, 1, 3), (2, 3, 1)),
    ((2, 6, 5), (4, 3, 5)),
    ((7,), (1, 7, 1)),
    ((1,), (1, 1)),
]


def moves_with(old: tuple[int, ...], new: tuple[int, ...]) -> set[tuple[int, int]]:
    """(axis of old, axis of new) where a step along the one may change the index of the other."""
    places = np.arange(math.prod(old)).reshape(old)
    found = set()
    for place in range(places.size):
        at, there = np.unravel_index(place, old), np.unravel_index(place, new)
        for i, size in enumerate(old):
            if at[i] + 1 < size:
                step = tuple(int(a) + (k == i) for k, a in enumerate(at))
                moved = np.unravel_index(places[step], new)
                found |= {(i, j) for j in range(len(new)) if moved[j] != there[j]}
    return found


@pytest.mark.parametrize(("old", "new"), VIEWS, ids=str)
def test_groups_hold_what_moves_together(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    found = groups(old, new)
    for mine, theirs in found:
        assert math.prod(old[i] for i in mine) == math.prod(new[j] for j in theirs)
    kept = [i for mine, _ in found for i in mine]
    assert sorted(kept) == [i for i, size in enumerate(old) if size != 1]
    assert sorted(j for _, theirs in found for j in theirs) == list(range(len(new)))
    together = {(i, j) for mine, theirs in found for i in mine for j in theirs}
    assert moves_with(old, new) <= together


def test_one_open_extent_is_a_large_number() -> None:
    assert numbers(("N", 4), ("M", 2, 2)) == ([PRIME, 4], [PRIME, 2, 2])
    mine, theirs = numbers(("N", 6), (4, "M")) or ([], [])
    assert (math.prod(mine), mine[1], theirs[0]) == (math.prod(theirs), 6, 4)


@pytest.mark.parametrize(
    ("old", "new"),
    [(("N", "M"), ("N", "M")), (("N", 2), (4, 5)), ((2, 3), (4, 2)), ((0, "N"), ("N", 0))],
    ids=str,
)
def test_what_says_nothing(old: tuple[object, ...], new: tuple[object, ...]) -> None:
    assert numbers(old, new) is None
