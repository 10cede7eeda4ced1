"""How far cells move: each power of ten in G counts as much, by loops over the parts."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.metrics.slopes.levels import levels, magnitudes


@pytest.mark.parametrize(
    "part",
    [np.s_[:, 2], np.s_[:, 5:, :, :], np.s_[:, :, 3], np.s_[..., 7:]],
    ids=["a channel", "channels", "a line", "a border"],
)
@pytest.mark.parametrize("small", [1e-1, 1e-2, 1e-3])
def test_a_small_part_counts_as_much(small: float, part: object, rng: np.random.Generator) -> None:
    """Within a factor of 4 of half: the part lies on a border of two powers of ten."""
    G = rng.normal(size=(1, 8, 12, 12))
    G[part] *= small
    w = levels(G)
    share = (np.abs(G) * w)[part].sum() / (np.abs(G) * w).sum()
    assert 0.12 < share < 0.88
    assert np.mean(w**2) == pytest.approx(1)


def test_one_size_is_moved_alike(rng: np.random.Generator) -> None:
    assert np.ptp(levels(rng.choice([-1.0, 1.0], (2, 3, 4, 4)))) < 1e-12
    assert np.all(levels(np.zeros((1, 2, 3))) == 1)


def test_zero_and_rounding_are_held(rng: np.random.Generator) -> None:
    G = rng.normal(size=(1, 6, 9, 9))
    G[:, 1], G[:, 4] = 0, 1e-6 * G[:, 4]
    moved = levels(G).any((0, 2, 3))
    assert list(moved) == [True, False, True, True, False, True]


def test_magnitudes_are_of_channel_and_place() -> None:
    """Of an outer product they are the numbers themselves; of a row alone each row's own."""
    a, b, c = np.array([3.0, 0.1]), np.array([1.0, 20.0, 0.5]), np.array([1.0, 1e-4])
    G = np.einsum("n,k,s->nks", c, a, b)
    np.testing.assert_allclose(magnitudes(G), G)
