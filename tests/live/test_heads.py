"""What a live module's outputs are: what one run shows, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend
from cam_core.errors import TargetError
from cam_core.explain import explain

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

X = np.random.default_rng(2).normal(size=(2, 3, 6, 6)).astype(np.float32)


def net(*tail: Any, classes: int = 4) -> Any:
    torch.manual_seed(1)
    layers = [nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(5, classes), *tail).eval()


TAILS = [  # modules after the logits, how many of these, kind, what makes a probability
    ([], 4, "unknown", ""),
    ([nn.Softmax(1)], 4, "classes", "softmax"),
    ([nn.Softmax(-1)], 4, "classes", "softmax"),
    ([nn.LogSoftmax(1)], 4, "classes", "softmax"),
    ([nn.Softmax(0)], 4, "unknown", ""),
    ([nn.Sigmoid()], 4, "multi-label", "sigmoid"),
    ([nn.Sigmoid()], 1, "binary", "sigmoid"),
]


@pytest.mark.parametrize(("tail", "classes", "kind", "probability"), TAILS)
def test_a_closing_module_tells(tail: list[Any], classes: int, kind: str, probability: str) -> None:
    (head,) = TorchBackend(net(*tail, classes=classes), example=X).heads()
    assert (head.kind, head.probability, head.output) == (kind, probability, "output")


def test_before_any_run_nothing_is_known() -> None:
    backend = TorchBackend(net(nn.Softmax(1)))
    assert [head.kind for head in backend.heads()] == ["unknown"]
    backend.forward(X)
    assert [head.kind for head in backend.heads()] == ["classes"]


def test_the_other_outputs_are_there() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = net(nn.Sigmoid())

        def forward(self, x: Any) -> Any:
            return {"scores": self.body(x), "mean": x.mean((2, 3))}

    heads = TorchBackend(Two(), example=X).heads()
    assert [(h.output, h.kind) for h in heads] == [("scores", "multi-label"), ("mean", "unknown")]
    assert "[2, 3]" in heads[1].evidence


def test_a_probability_is_the_modules_own() -> None:
    module = net(nn.Sigmoid())
    found = explain(TorchBackend(module, example=X), X, "prob:2", layer="1")
    with torch.no_grad():
        expected = module(torch.from_numpy(X))[:, 2].numpy()
    np.testing.assert_allclose(found.score, expected, rtol=1e-5)
    with pytest.raises(TargetError, match="prob:2: the model makes no probability"):
        explain(TorchBackend(net(), example=X), X, "prob:2", layer="1")
