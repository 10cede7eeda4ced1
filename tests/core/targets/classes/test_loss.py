"""The loss of a class is torch's, and so is its derivative."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import LossTarget, parse_target

torch = pytest.importorskip("torch")
F = torch.nn.functional


def test_the_cross_entropy(rng: np.random.Generator) -> None:
    y = torch.tensor(3 * rng.normal(size=(2, 6)), requires_grad=True)
    loss = F.cross_entropy(y, torch.tensor([4, 1]), reduction="none")
    (slope,) = torch.autograd.grad(loss.sum(), y)
    target, array = LossTarget((4, 1)), y.detach().numpy()
    np.testing.assert_allclose(target.score(array), loss.detach(), rtol=1e-12)
    np.testing.assert_allclose(target(array), slope, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("absent", [False, True])
def test_the_binary_cross_entropy(absent: bool, rng: np.random.Generator) -> None:
    y = torch.tensor(3 * rng.normal(size=(2, 6)), requires_grad=True)
    truth = torch.full((2,), 0.0 if absent else 1.0, dtype=torch.float64)
    loss = F.binary_cross_entropy_with_logits(y[:, 2], truth, reduction="none")
    (slope,) = torch.autograd.grad(loss.sum(), y)
    target, array = LossTarget(2, how="sigmoid", absent=absent), y.detach().numpy()
    np.testing.assert_allclose(target.score(array), loss.detach(), rtol=1e-12)
    np.testing.assert_allclose(target(array), slope, rtol=1e-10, atol=1e-14)


def test_a_sure_model_overflows_nowhere() -> None:
    y = np.array([[800.0, -800.0]])
    np.testing.assert_array_equal(LossTarget(1).score(y), [1600])
    np.testing.assert_array_equal(LossTarget(0).score(y), [0])
    np.testing.assert_array_equal(LossTarget(1, how="sigmoid").score(y), [800])


HEADS = [
    ("classes", "", "softmax"),
    ("classes", "LogSoftmax", "softmax"),
    ("multi-label", "Sigmoid", "sigmoid"),
    ("binary", "Sigmoid", "sigmoid"),
    ("unknown", "", "softmax"),
    ("regression", "", None),
    ("embedding", "", None),
]


@pytest.mark.parametrize(("kind", "activation", "how"), HEADS)
def test_the_head_says_which(kind: str, activation: str, how: str | None) -> None:
    head = Head("y", kind, "", "y", 1, activation)
    if how is not None:
        assert parse_target("loss:0", head=head) == (LossTarget(0, how=how),)
        return
    with pytest.raises(TargetError, match=f"the model gives {kind}, no class: ask for value"):
        parse_target("loss:0", head=head)


def test_only_a_sigmoid_has_another_side() -> None:
    with pytest.raises(TargetError, match="only a sigmoid has another side"):
        parse_target("loss:-0", head=Head("y", "classes", "", "y", 1, "Softmax"))
