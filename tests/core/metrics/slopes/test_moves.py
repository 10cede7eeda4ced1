"""Directions: equal numbers of a channel are found by loops, and kept equal or held."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from cam_core.metrics.slopes.moves import ALONG, LEVELLED, RANDOM, all_moves, equal_numbers


def tied_map(rng: np.random.Generator) -> Any:
    """[2, 3, 4, 5] of six numbers, which meet in all rows and channels; one cell is alone."""
    A = rng.integers(0, 6, (2, 3, 4, 5)).astype(np.float32)
    A[1, 2, 3, 4] = 9
    return A


def test_equal_numbers_of_a_channel_share_a_group(rng: np.random.Generator) -> None:
    A = tied_map(rng)
    groups = equal_numbers(A)
    cells = list(np.ndindex(A.shape))
    for a, b in itertools.combinations(cells, 2):
        assert (groups[a] == groups[b]) == (a[:2] == b[:2] and A[a] == A[b])
    assert sorted(set(groups.ravel())) == list(range(groups.max() + 1))


def test_ties_stay_ties_or_stay(rng: np.random.Generator) -> None:
    A = tied_map(rng)
    G = rng.normal(size=A.shape)
    free, together, held = all_moves(A)
    assert len(np.unique(free.direction(rng, G, RANDOM))) == A.size
    moved = A + 0.1 * together.direction(rng, G, RANDOM)
    groups = equal_numbers(A)
    for group in range(groups.max() + 1):
        assert len(set(moved[groups == group])) == 1
    d = held.direction(rng, G, RANDOM)
    for cell in np.ndindex(A.shape):
        count = (A[cell[:2]] == A[cell]).sum()
        assert (d[cell] == 0) == (count > 1)


def test_where_all_differ_there_is_one_way(rng: np.random.Generator) -> None:
    assert len(list(all_moves(rng.normal(size=(1, 2, 9))))) == 1
    assert len(list(all_moves(np.zeros((1, 2, 9))))) == 2  # held, nothing would move


def test_equal_numbers_far_apart_are_no_ties() -> None:
    """Among a hundred thousand float32 some are the same; in a window they are neighbours."""
    row = np.arange(30.0)
    row[20] = row[3]
    assert len(list(all_moves(row.reshape(1, 1, 30)))) == 1
    row[21] = row[20]
    assert len(list(all_moves(row.reshape(1, 1, 30)))) == 3
    assert len(list(all_moves(np.stack([row, row]).reshape(1, 1, 2, 30)))) == 2  # none is alone


def test_along_g_all_adds_up(rng: np.random.Generator) -> None:
    A, G = tied_map(rng), rng.normal(size=(2, 3, 4, 5))
    free, together, _ = all_moves(A)
    assert np.all(free.direction(rng, G, ALONG) * G > 0)
    products, groups = together.direction(rng, G, ALONG) * G, equal_numbers(A)
    assert all(products[groups == group].sum() > 0 for group in range(groups.max() + 1))
    assert np.all(free.direction(rng, np.zeros_like(G), ALONG))  # where G is 0, at random


def test_a_small_part_moves_as_much_of_y(rng: np.random.Generator) -> None:
    """One of eight channels holds a thousandth of G: levelled, about half of <G, d> is its own."""
    A, G = rng.normal(size=(1, 8, 10, 10)), rng.normal(size=(1, 8, 10, 10))
    G[:, 3] *= 1e-3
    (free,) = all_moves(A)
    for kind, least, most in ((ALONG, 0, 1e-3), (LEVELLED, 0.2, 0.8)):
        products = free.direction(rng, G, kind) * G
        assert (products >= 0).all()
        assert least < products[:, 3].sum() / products.sum() < most, kind
