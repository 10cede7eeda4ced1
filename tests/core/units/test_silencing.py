"""A score as its units fall silent, on a head whose parts are known."""

from __future__ import annotations

import numpy as np

from cam_core.units import silenced


def test_each_step_takes_the_part_of_one_unit(rng: np.random.Generator) -> None:
    A, w = rng.random((2, 5, 3, 3)), rng.normal(size=5)
    kept, order = A.copy(), [3, 0, 4]
    curve = [a.mean(axis=(2, 3)) @ w for a in silenced(A, order)]
    for n, row in enumerate(A):
        score = sum(w[k] * row[k].sum() / 9 for k in range(5))
        assert len(curve) == 4
        np.testing.assert_allclose(curve[0][n], score)
        for step, k in enumerate(order, start=1):
            score -= w[k] * row[k].sum() / 9
            np.testing.assert_allclose(curve[step][n], score)
    np.testing.assert_array_equal(A, kept)  # and the activations stay as they were


def test_steps_may_be_held_together(rng: np.random.Generator) -> None:
    A = rng.random((1, 3, 2)) + 1
    held = list(silenced(A, [0, 1]))
    assert [int((a == 0).sum()) for a in held] == [0, 2, 4]
