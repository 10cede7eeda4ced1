"""A copy with other weights, also of modules that keep what they made of theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from backends.torch.weights import with_parameters  # noqa: E402


class Keeping(torch.nn.Module):  # type: ignore[misc, name-defined]
    """As LeViT's attention: twice its weight, made once."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(3.0))
        self.cache: dict[str, Any] = {}
        self.other = {"kept": 1}

    def forward(self, x: Any) -> Any:
        if "twice" not in self.cache:
            self.cache["twice"] = 2 * self.weight
        return x * self.cache["twice"]


@pytest.mark.parametrize("ran", [False, True])
def test_what_was_made_of_the_weights_is_made_anew(ran: bool) -> None:
    net, x = torch.nn.Sequential(Keeping()), torch.ones(3)
    if ran:
        net(x)
    copied = with_parameters(net, lambda name, w: w + 10)
    assert copied(x).tolist() == [20, 22, 24]
    assert net(x).tolist() == [0, 2, 4]
    assert copied[0].other == {"kept": 1}


def test_by_name() -> None:
    net = torch.nn.Linear(2, 2)
    copied = with_parameters(net, lambda name, w: np.zeros_like(w) if name == "bias" else w)
    assert torch.equal(copied.weight, net.weight)
    assert not copied.bias.any()
