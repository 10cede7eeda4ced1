"""What channels add to a map, by loops; and that few numbers tell how far they lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.maps.channels import SIZE, added, signs, sketch
from cam_core.maps.combine import combine

SPACES = [((4, 5), (1, 1)), ((4, 5), (4, 5)), ((3,), (1,)), ((2, 3, 2), (2, 3, 2))]


@pytest.mark.parametrize(("space", "weights"), SPACES)
def test_what_a_channel_adds_is_a_loop(space: tuple[int, ...], weights: tuple[int, ...]) -> None:
    """Weights of a number a channel, and of one a place."""
    rng = np.random.default_rng(2)
    A = rng.random((2, 6, *space)).astype(np.float32)
    alpha = (rng.normal(size=(2, 6, *weights)) + 1).astype(np.float32)  # hot somewhere
    wide, signed = np.broadcast_to(alpha, A.shape), combine(A, alpha)
    expected = np.zeros((2, 6))
    for n in range(2):
        hot = {at: max(float(signed[n][at]), 0) for at in np.ndindex(*space)}
        for at, heat in hot.items():
            expected[n] += heat / sum(hot.values()) * wide[n][:, *at] * A[n][:, *at]
    found = added(A, alpha, signed)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)  # float32, another order


def test_a_map_that_is_nowhere_positive_has_no_channels() -> None:
    A, alpha = np.ones((1, 3, 2, 2), np.float32), -np.ones((1, 3, 1, 1), np.float32)
    assert np.isnan(added(A, alpha, combine(A, alpha))).all()


def test_distances_of_directions_are_kept_on_average() -> None:
    """The mean over pairs of the squared ratio is 1; of each its spread is sqrt(2 / SIZE)."""
    rng = np.random.default_rng(4)
    c = np.maximum(rng.normal(size=(60, 700)), 0) * rng.gamma(1, 9, size=(60, 1))
    unit = c / np.linalg.norm(c, axis=1, keepdims=True)
    found = sketch(c)
    pairs = [(i, j) for i in range(60) for j in range(i)]
    ratio = np.array(
        [((found[i] - found[j]) ** 2).sum() / ((unit[i] - unit[j]) ** 2).sum() for i, j in pairs]
    )
    assert ratio.mean() == pytest.approx(1, abs=0.1)
    assert ratio.std() == pytest.approx(np.sqrt(2 / SIZE), abs=0.05)


def test_size_is_no_direction_and_nothing_has_none() -> None:
    c = np.random.default_rng(5).normal(size=(1, 9)).astype(np.float32)
    found = sketch(np.concatenate([c, 7 * c, 0 * c, np.full((1, 9), np.nan, np.float32)]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)  # float32
    assert np.isnan(found[2:]).all()


def test_the_same_channels_always_meet_the_same_signs() -> None:
    """Rows of a report are made in several processes, and gone on with later."""
    assert (signs(3)[:, :8] > 0).astype(int).tolist() == GOLDEN
    assert np.unique(np.abs(signs(50))).tolist() == [np.float32(1 / np.sqrt(SIZE))]


GOLDEN = [[1, 1, 1, 1, 1, 0, 1, 0], [1, 0, 0, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0, 1, 0]]
