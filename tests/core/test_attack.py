"""FGSM and PGD where the best change is known: on linear scores, and inside their ball."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from backends.onnx import OnnxBackend
from cam_core.attack import ATTACKS, fed, fgsm, input_slope, pgd, whole
from cam_core.demo import MODEL
from cam_core.errors import InputError
from cam_core.targets.classes.loss import LossTarget

Array = np.ndarray


def test_fgsm_is_the_best_of_a_linear_score() -> None:
    """Among all corners of the ball, cut by the valid range; a linear L is largest in one."""
    w, p = np.array([2.0, -1.0, 0.5, -3.0]), np.array([10.0, 1.0, 254.0, 100.0])
    eps = np.array([3.0, 3.0, 3.0, 1.0])
    corners = [np.clip(p + eps * np.array(s), 0, 255) for s in product((-1, 0, 1), repeat=4)]
    best = max(float(w @ corner) for corner in corners)
    found = fgsm(p, lambda _: w, eps)
    assert float(w @ found) == pytest.approx(best)
    np.testing.assert_array_equal(found, [13, 0, 255, 99])
    # PGD ends in the same corner: its steps are longer than the ball is wide.
    np.testing.assert_allclose(pgd(p, lambda _: w, eps), found)


def test_pgd_stays_in_the_ball_and_takes_more_steps_than_one(rng: np.random.Generator) -> None:
    """On a bent L of sines, whose maximum in a ball FGSM steps over."""
    p, k = rng.uniform(0, 255, 200), rng.uniform(0.3, 1.5, 200)
    seen: list[Array] = []

    def gradient(at: Array) -> Array:
        seen.append(at.copy())
        return k * np.cos(k * at)

    found = pgd(p, gradient, 4.0, steps=40)
    assert len(seen) == 40
    for at in (*seen, found):
        assert np.abs(at - p).max() <= 4 + 1e-12
        assert at.min() >= 0
        assert at.max() <= 255
    assert not np.allclose(seen[0], p)  # a random start
    worth = [float(np.sin(k * at).sum()) for at in (p, fgsm(p, gradient, 4.0), found)]
    assert worth[2] > max(worth[:2]) + 20  # of 200 at most


def test_what_may_not_change_stays(rng: np.random.Generator) -> None:
    p, eps = rng.uniform(20, 200, (1, 3, 4, 4)), np.zeros((1, 1, 4, 4))
    eps[..., 1:3, 1:3] = 2
    for attack in ATTACKS.values():
        changed = attack(p, lambda at: at - 90.0, eps) != p
        assert not (changed & (eps == 0)).any()
        assert changed[..., 1:3, 1:3].all()


def test_whole_levels() -> None:
    p = np.array([10.0, 10, 10, 10, 0])
    changed = p + np.array([1.4, -2.3, 2.9, 0.5, 0.2])
    np.testing.assert_array_equal(whole(changed, p, 2.0 - 1e-12), [11, 8, 12, 10, 0])
    np.testing.assert_array_equal(whole(changed, p, 0.9), p)


def test_the_slope_of_an_onnx_file_is_that_of_differences(rng: np.random.Generator) -> None:
    pytest.importorskip("onnxruntime")
    backend, target = OnnxBackend(MODEL.read_bytes()), LossTarget(1)
    (info,) = backend.inputs()
    x = rng.random((1, 3, 128, 128), dtype=np.float32)
    slope = input_slope(backend, x, info.name, target)
    toward = np.sign(slope) * 1e-3
    up, down = (
        target.score(backend.look(fed(x, info.name, (x + s * toward).astype(np.float32))).score)[0]
        for s in (1, -1)
    )
    # Float32 and ReLUs that switch within the step.
    assert (up - down) / 2 == pytest.approx((slope * toward).sum(), rel=0.05)


@pytest.mark.parametrize(("value", "text"), [(0.0, "0 everywhere"), (np.nan, "not finite")])
def test_no_slope_is_an_error(value: float, text: str) -> None:
    for attack in ATTACKS.values():
        with pytest.raises(InputError, match=text):
            attack(np.ones(3), lambda at: np.full_like(at, value), 1.0)


def test_other_inputs_stay() -> None:
    x = {"a": np.ones(1), "b": np.zeros(2)}
    found = fed(x, "b", np.ones(2))
    assert isinstance(found, dict)
    assert found["a"] is x["a"]
    assert found["b"].tolist() == [1, 1]
