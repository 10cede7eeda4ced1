"""A class against all the others: the log-odds of torch's softmax."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.targets import RestTarget, parse_target

torch = pytest.importorskip("torch")


def test_it_is_the_log_odds(rng: np.random.Generator) -> None:
    y = torch.tensor(3 * rng.normal(size=(2, 6)), requires_grad=True)
    p = torch.softmax(y, 1)[[0, 1], [4, 1]]
    odds = torch.log(p / (1 - p))
    (slope,) = torch.autograd.grad(odds.sum(), y)
    target, array = RestTarget((4, 1)), y.detach().numpy()
    np.testing.assert_allclose(target.score(array), odds.detach(), rtol=1e-9)
    np.testing.assert_allclose(target(array), slope, rtol=1e-9, atol=1e-13)


def test_a_sure_model_keeps_its_slope() -> None:
    """Where p is 1 to the last digit, and log p has none."""
    y = np.array([[500.0, 0, 0]], np.float32)
    np.testing.assert_allclose(RestTarget(0).score(y), [500 - np.log(2)])
    np.testing.assert_allclose(RestTarget(0)(y), [[1, -0.5, -0.5]])


def test_alone_there_is_no_other() -> None:
    assert parse_target("rest:top") == (RestTarget(-1),)
    with pytest.raises(TargetError, match="rest:0: the score has no other class"):
        RestTarget(0)(np.zeros((2, 1)))
