"""Guided backpropagation of a live module, against hooks on its own ReLUs and against captum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend
from cam_core import explain
from tests.live.modules import close

torch = pytest.importorskip("torch")
F = torch.nn.functional

SPELLED = {
    "relu": torch.relu,
    "functional": F.relu,
    "method": lambda x: x.relu(),
    "in place": lambda x: F.relu(x, inplace=True),
    "clamp": lambda x: x.clamp(min=0),
    "clamp by a tensor": lambda x: torch.clamp(x, min=torch.zeros(())),
    "clamp_min": lambda x: x.clamp_min(0),
    "maximum": lambda x: torch.maximum(torch.zeros(()), x),
    "leaky by 0": lambda x: F.leaky_relu(x, 0.0),
    "prelu by 0": lambda x: F.prelu(x, torch.zeros(1)),
    "relu6": F.relu6,
    "relu6 in place": lambda x: F.relu6(x, inplace=True),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 6.0),
    "clamp twice": lambda x: x.clamp(0, 6),
}
OTHERS = {
    "LeakyRelu": F.leaky_relu,
    "Prelu": lambda x: F.prelu(x, torch.full((1,), 0.2)),
    "Gelu": F.gelu,
    "Silu": F.silu,
    "Elu": F.elu,
    "Tanh": torch.tanh,
    "": lambda x: torch.maximum(x, -x) + x.clamp(-1, 1) + F.hardtanh(x),
}


class Net(torch.nn.Module):
    """Two convolutions around any function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(2, 6, 3, padding=1)
        self.second = torch.nn.Conv2d(6, 6, 3)
        self.head = torch.nn.Linear(6, 4)
        self.function = function

    def forward(self, x: Any) -> Any:
        x = self.function(self.first(x) * 3)
        return self.head(self.function(self.second(x)).mean((2, 3)))


def made(function: Any) -> Net:
    torch.manual_seed(3)
    return Net(function)


def opened(net: Net, image: Any) -> TorchBackend:
    return TorchBackend(net, example=image)


def by_hooks(net: Net, x: Any, c: int) -> Any:
    """The gradient of the input where a hook rectifies the cotangent of every rectifier."""

    def hooked(value: Any) -> Any:
        y = own(value)
        y.register_hook(lambda gy: gy.clamp(min=0))
        return y

    own, net.function = net.function, hooked
    leaf = torch.tensor(x, requires_grad=True)
    (found,) = torch.autograd.grad(net(leaf)[:, c].sum(), leaf)
    net.function = own
    return found.numpy()


@pytest.mark.parametrize("name", SPELLED)
def test_every_way_to_call_a_rectifier(name: str, image: Any) -> None:
    net = made(SPELLED[name])
    look = TorchBackend(net, guided=True).look(image, layers=(), inputs=None)
    found = look.pull(lambda y, _: np.eye(4, dtype=np.float32)[[1] * len(y)]).inputs["x"]
    np.testing.assert_allclose(found, by_hooks(net, image, 1), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_rectifier_is_said(name: str, image: Any) -> None:
    net = made(OTHERS[name])
    found, plain = (explain(opened(net, image), image, 1, m) for m in ("guided", "gradient"))
    np.testing.assert_array_equal(found.map, plain.map)
    assert found.diagnosis[0].startswith("no rectifier lies between input and score")
    net.function = lambda x: OTHERS[name](torch.relu(x))
    said = explain(opened(net, image), image, 1, "guided").diagnosis[0]
    assert said == (f"guided is the plain gradient at {name}: no rectifiers" if name else "")


def test_the_module_is_left_as_it_was(image: Any) -> None:
    net = made(torch.relu)
    backend = opened(net, image)
    before = explain(backend, image, 1, "gradient").map
    assert not np.allclose(explain(backend, image, 1, "guided").map, before)
    np.testing.assert_array_equal(explain(backend, image, 1, "gradient").map, before)
    assert not any(part._forward_hooks or part._backward_hooks for part in net.modules())


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_captum_agrees_on_a_network_of_relu_modules(image: Any) -> None:
    """captum hooks ReLU modules alone, each of which may be called once."""
    attr = pytest.importorskip("captum.attr")
    torch.manual_seed(3)
    parts = [torch.nn.Conv2d(2, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 6, 3), torch.nn.ReLU()]
    net = torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(6 * 8 * 6, 4)).eval()
    expected = attr.GuidedBackprop(net).attribute(torch.tensor(image, requires_grad=True), target=1)
    found = explain(TorchBackend(net, example=image), image, 1, "guided")
    close(found.map, expected.abs().amax(1))
