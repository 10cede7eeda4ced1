"""What a module may return and take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend
from cam_core.errors import ModelError
from tests.cotangents import one_hot
from tests.live.modules import close

torch = pytest.importorskip("torch")
nn = torch.nn


@dataclass
class Result:
    loss: Any
    logits: Any


class Closing(nn.Module):
    """Every kind of result, from two inputs, behind a softmax."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv, self.head = nn.Conv1d(3, 4, 3), nn.Linear(4, 3)
        self.softmax = nn.Softmax(1)

    def forward(self, left: Any, right: Any) -> Any:
        logits = self.head(self.conv(left * right).relu().mean(2))
        p = self.softmax(logits)
        kinds = {
            "tensor": p,
            "tuple": (p, [logits]),
            "nested": (p, {"inner": logits}),
            "dict": {"logits": logits, "p": p},
            "dataclass": Result(None, logits),
        }
        return kinds[self.kind]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tensor", ["output"]),
        ("tuple", ["output", "output_1"]),
        ("nested", ["output", "inner"]),
        ("dict", ["logits", "p"]),
        ("dataclass", ["logits"]),
    ],
)
def test_several_inputs_and_every_kind_of_result(kind, names, rng):
    torch.manual_seed(1)
    net = Closing(kind)
    x = {key: rng.normal(size=(2, 3, 7)).astype(np.float32) for key in ("left", "right")}
    backend = TorchBackend(net, layer="conv")
    (capture,) = backend.capture(x, one_hot(1, 2), input_gradients=True)
    A = net.conv(torch.from_numpy(x["left"] * x["right"])).detach().requires_grad_()
    y = net.head(A.relu().mean(2))
    (y[0, 1] + y[1, 2]).backward()
    assert capture.activations.shape == (2, 4, 5)
    close(capture.logits, y)
    close(capture.gradients, A.grad)
    assert list(capture.input_gradients) == ["left", "right"]
    assert list(backend.forward(x)) == names


def test_the_score_may_be_named(rng):
    x = {key: rng.normal(size=(2, 3, 7)).astype(np.float32) for key in ("left", "right")}
    net = Closing("dict")
    p = TorchBackend(net, layer="conv", score="p").capture(x, one_hot(0, 0))[0].logits
    close(p.sum(1), np.ones(2))
    named = TorchBackend(net, layer="conv", score="head").capture(x, one_hot(0, 0))[0]
    close(named.logits, TorchBackend(net).forward(x)["logits"])
    with pytest.raises(ModelError, match="outputs are logits, p"):
        TorchBackend(net, layer="conv", score="q").capture(x, one_hot(0, 0))
