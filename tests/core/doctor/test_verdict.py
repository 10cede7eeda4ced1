"""Ties, and what is named."""

from __future__ import annotations

import numpy as np

from cam_core.doctor import judge

KNOWN = {"least": 0.9, "margin": 0.005}


def test_the_best_is_named() -> None:
    found = judge([np.array([0.1, 0.2, 0.3]), np.array([0.99, 0.98, 0.99])], 0, **KNOWN)
    assert found.named == (1,)
    assert found.best == 1


def test_ties_are_told_photo_by_photo() -> None:
    """The photos differ more from one another than the ways do, but on each the second is ahead."""
    a = np.array([0.90, 0.94, 0.98, 0.92])
    assert judge([a, a + 0.01], 0, **KNOWN).named == (1,)
    jumping = a + np.array([0.05, -0.03, 0.04, -0.02])
    found = judge([a, jumping], 0, **KNOWN)
    assert found.tied == (1, 0)
    assert found.named == ()


def test_several_that_cannot_be_told_apart() -> None:
    right = np.array([0.99, 0.98, 0.97])
    assert judge([np.zeros(3), right, right], 0, **KNOWN).named == (1, 2)


def test_none_will_do() -> None:
    found = judge([np.zeros(3), np.full(3, 0.6)], 0, **KNOWN)
    assert not found.enough
    assert found.named == ()


def test_a_photo_of_which_two_ways_make_the_same_tells_nothing() -> None:
    """Two photos differ by about 10, and one not at all: a mean of 7 with a deviation of 6."""
    best, other = np.array([13.0, 13.0, 13.0]), np.array([13.0, 3.0, 2.9])
    assert judge([other, best], 0, **KNOWN).named == (1,)
    assert judge([best, best], 0, **KNOWN).tied == (0, 1)
