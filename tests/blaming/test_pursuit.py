"""Sets that are chosen by signs: against all sets there are, and on a quantised network."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from backends.onnx.blaming.curve import differences, drift
from backends.onnx.blaming.pursuit import by_pursuit, pursue
from backends.onnx.blaming.rating import by_blame
from tests.blaming.quantised import halved, plain, quantised, ranges
from tests.blaming.test_blame import blamed, cases


def test_each_step_is_the_best_there_is(rng: np.random.Generator) -> None:
    """min over t of the sum of squares that is left, by loops."""
    c = rng.normal(size=(5, 7))
    r = c.sum(axis=1)
    expected: list[int] = []
    for _ in range(4):
        left = {}
        for t in set(range(7)) - set(expected):
            rest = [float(r[p]) - sum(float(c[p, i]) for i in (*expected, t)) for p in range(5)]
            left[t] = sum(v * v for v in rest)
        expected.append(min(left, key=lambda t: left[t]))
    assert pursue(c, r, 4) == expected


def test_errors_that_cancel_are_left_alone() -> None:
    """The two largest cancel: by size they come first, and nothing is won."""
    c = np.array([[9.0, -9.0, 1.0, 2.0]] * 3)
    assert pursue(c, c.sum(axis=1), 2) == [3, 2]


def test_what_is_taken_stays_first_and_is_not_taken_again() -> None:
    c = np.array([[4.0, 2.0, 1.0]])
    assert pursue(c, np.array([3.0]), 3, taken=[0]) == [0, 1, 2]


def test_a_pair_is_found_among_all() -> None:
    """Of an exact sum the greedy pair is the best of all pairs here."""
    c = np.array([[3.0, 0.1, 0.0, 0.2], [0.0, -0.1, 3.0, 0.2]])
    r = c.sum(axis=1)
    best = min(combinations(range(4), 2), key=lambda s: float(np.sum((r - c[:, s].sum(1)) ** 2)))
    assert set(pursue(c, r, 2)) == set(best) == {0, 2}


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_all_tensors_stay_in_the_order(kind: str, rng: np.random.Generator) -> None:
    model, photos = plain(rng), rng.normal(size=(6, 3, 8, 8)).astype(np.float32)
    other = quantised(model, ranges(model, photos)) if kind == "int8" else halved(model)
    blame = blamed(model, other)
    known: Any = cases(blame, photos)
    rated = by_blame(blame.rate(known))
    ordered = by_pursuit(blame, rated, known, 4)
    assert sorted(r.suspect.name for r in ordered) == sorted(r.suspect.name for r in rated)
    if kind == "float16":
        return  # its drift is that of a few last bits, and moves by chance
    kept = [r.suspect.name for r in ordered[:4]]
    assert drift(blame.restored(kept), known, maps=False).rms < drift(blame.quantised, known).rms


def test_the_drift_with_its_sign(rng: np.random.Generator) -> None:
    model, photos = plain(rng), rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    blame = blamed(model, quantised(model, ranges(model, photos)))
    known = cases(blame, photos)
    moved = [
        float(known[i].target.score(blame.quantised.forward(x[None])["y"])[0])
        - float(known[i].target.score(model_y[None])[0])
        for i, (x, model_y) in enumerate(zip(photos, blame.plain.forward(photos)["y"], strict=True))
    ]
    np.testing.assert_allclose(differences(blame.quantised, known), moved, atol=1e-5)  # float32
