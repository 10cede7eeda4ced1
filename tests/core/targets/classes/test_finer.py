"""Finer-CAM's contrast as its published code computes it, by torch and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import Asking, FinerTarget, Seen, parse_target
from cam_core.targets.classes.finer import nearest

torch = pytest.importorskip("torch")


def published(y: torch.Tensor, c: int, alpha: float) -> torch.Tensor:
    """One row; classes in the order of their distance, the class itself first."""
    order = torch.argsort((y - y[c]).abs())[1:4]
    p = torch.softmax(y, 0)
    above = sum(p[i] * (y[c] - alpha * y[i]) for i in order)
    return above / (sum(p[i] for i in order) + 1e-9)


@pytest.mark.parametrize("alpha", [1.0, 0.6])
@pytest.mark.parametrize("count", [2, 3, 9])
def test_it_is_the_published_one(count: int, alpha: float, rng: np.random.Generator) -> None:
    y = torch.tensor(2 * rng.normal(size=(2, count)), requires_grad=True)
    each = torch.stack([published(y[0], 1, alpha), published(y[1], 0, alpha)])
    (slope,) = torch.autograd.grad(each.sum(), y)
    target, array = FinerTarget((1, 0), alpha=alpha), y.detach().numpy()
    np.testing.assert_allclose(target.score(array), each.detach(), rtol=1e-12)
    np.testing.assert_allclose(target(array), slope, rtol=1e-9, atol=1e-13)


def test_the_closest_by_hand() -> None:
    y = np.array([[5.0, 4, 9, 5, 0, 7]])
    of = np.array([0])
    assert [int(nearest(y, of, rank)[0]) for rank in (1, 2, 3)] == [3, 1, 5]


def test_held_stays_with_those_it_is_compared_with() -> None:
    y, other = np.array([[5.0, 4, 9, 5, 0, 7]]), np.array([[5.0, 40, 5, 30, 6, 20]])
    held = FinerTarget(-1).held(y)
    assert (held.index, held.closest) == ((2,), ((5,), (0,), (3,)))
    near, p = [5, 0, 3], np.exp(other[0] - 40)
    expected = sum(p[i] * (other[0, 2] - other[0, i]) for i in near) / sum(p[i] for i in near)
    np.testing.assert_allclose(held.score(other), expected, rtol=1e-4)  # the 1e-9 counts here


def test_alone_there_is_none() -> None:
    assert parse_target("finer:top") == (FinerTarget(-1),)
    with pytest.raises(TargetError, match="finer:0: the score has no other class"):
        FinerTarget(0).score(np.zeros((2, 1)))


def test_a_class_among_unlikely_ones_is_doubted() -> None:
    """Class 0 and those next to it have e^-30 each beside class 4: the number is 0 by the 1e-9."""
    y = np.array([[0.0, 0.1, 0.2, 0.3, 30.0], [1.0, 2, 3, 4, 5]])
    (found,) = FinerTarget(0).found_in(Seen(y, {}, Asking()))
    assert found.doubts == (
        "finer weighs classes of 3e-13 probability in all, next to nothing",
        "",
    )
    (sure,) = FinerTarget(4).found_in(Seen(y[1:], {}, Asking()))
    assert sure.doubts == ()
