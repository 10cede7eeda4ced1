"""Tails of a live module: what runs again, and modules that are not what they seem."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from backends.torch import TorchBackend

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

LOG: Counter[str] = Counter()
"""How often each of these ran."""


class Counted(nn.Conv2d):
    def __init__(self, name: str) -> None:
        super().__init__(3, 3, 1)
        self.name = name

    def forward(self, x: Any) -> Any:
        LOG[self.name] += 1
        return super().forward(x)


class Chain(nn.Module):
    """Three stages; what happens between the first two and the layer is the test's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Counted("stem"), nn.ReLU(inplace=True))
        self.layer = nn.Sequential(Counted("layer"), nn.Tanh())
        self.last = Counted("last")

    def between(self, x: Any) -> tuple[Any, Any]:
        return x, x

    def forward(self, x: Any) -> Any:
        given, beside = self.between(self.stem(x))
        return (self.last(self.layer(given)) + beside).mean((2, 3))


class Changing(Chain):
    """A module changes what it was given, which is read again."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def between(self, x: Any) -> tuple[Any, Any]:
        x = x - 0.3
        return self.relu(x), x


class Same(Chain):
    """A module gives out what it was given, and that is changed afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Identity()

    def between(self, x: Any) -> tuple[Any, Any]:
        given = self.same(x)
        given += 1
        return given, x


class Remembering(Chain):
    """A module leaves something in itself that is read later."""

    class Part(nn.Module):
        def forward(self, x: Any) -> Any:
            self.seen = x.mean()
            return x * 2

    def __init__(self) -> None:
        super().__init__()
        self.part = self.Part()

    def between(self, x: Any) -> tuple[Any, Any]:
        given = self.part(x)
        return given, x

    def forward(self, x: Any) -> Any:
        return super().forward(x) * self.part.seen


class Counting(Chain):
    """A module that never gives the same twice: no result can stand for it."""

    class Part(nn.Module):
        calls = 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            return x

    def __init__(self) -> None:
        super().__init__()
        self.part = self.Part()

    def between(self, x: Any) -> tuple[Any, Any]:
        return self.part(x), x

    def forward(self, x: Any) -> Any:
        return super().forward(x) * self.part.calls


class Shared(Chain):
    """One module before, as and after the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Tanh()
        self.stem = nn.Sequential(Counted("stem"), self.layer)

    def forward(self, x: Any) -> Any:
        y = self.layer(self.stem(x))
        return self.layer(self.last(y) * y).mean((2, 3))


class Structured(Chain):
    """Results that are more than a tensor: a tuple, a dictionary, an object of its own kind."""

    class Both(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2, {"half": x / 2, "none": None}

    class Odd(nn.Module):
        def forward(self, x: Any) -> Any:
            return type("Box", (), {"inside": x + 1})()

    def __init__(self) -> None:
        super().__init__()
        self.both, self.odd = self.Both(), self.Odd()

    def between(self, x: Any) -> tuple[Any, Any]:
        double, rest = self.both(x)
        return double, rest["half"] + self.odd(x).inside


NETS = [Chain, Changing, Same, Remembering, Shared, Structured]


def images(seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(2, 3, 4, 4)).astype(np.float32)


def made(net: type[nn.Module]) -> nn.Module:
    torch.manual_seed(1)
    return net().eval()


def expected(net: Any, x: Any, A: Any, number: int = 1) -> Any:
    """By a hook on that call of `layer`, the whole module run for each block."""
    found = []
    for i in range(0, len(A), 2):
        calls = []

        def replace(_m: Any, _x: Any, _y: Any, i: int = i, calls: list[int] = calls) -> Any:
            calls.append(i)
            return torch.from_numpy(A[i : i + 2]).clone() if len(calls) == number else None

        handle = net.layer.register_forward_hook(replace)
        with torch.no_grad():
            found.append(net(torch.from_numpy(x.copy())).numpy())
        handle.remove()
    return np.concatenate(found)


def drawn(blocks: int) -> Any:
    return np.random.default_rng(7).normal(size=(2 * blocks, 3, 4, 4)).astype(np.float32)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.__name__)
@pytest.mark.parametrize("blocks", [1, 3])
def test_every_run_is_a_run_of_the_whole(net: type[nn.Module], blocks: int) -> None:
    module, x = made(net), images()
    layer, number = ("layer#2", 2) if net is Shared else ("layer", 1)
    tail = TorchBackend(module).look(x, layers=[layer]).tail(layer)
    for _ in range(3):
        A = drawn(blocks)
        np.testing.assert_allclose(tail(A), expected(module, x, A, number), rtol=1e-5, atol=1e-6)


def test_the_head_is_run_but_once_more() -> None:
    module, x = made(Chain), images()
    look = TorchBackend(module).look(x, layers=["layer"])
    tail = look.tail("layer")
    LOG.clear()
    for i in range(10):
        tail(look.activations["layer"] * np.float32(i))
    assert LOG["stem"] == 1
    assert LOG["layer"] == 1
    assert LOG["last"] in (10, 11)


def test_a_module_whose_results_cannot_stand_for_it_is_run_as_a_whole() -> None:
    module, x = made(Counting), images()
    look = TorchBackend(module).look(x, layers=["layer"])
    tail, calls = look.tail("layer"), module.part.calls
    for _ in range(4):
        tail(look.activations["layer"])
    assert module.part.calls >= calls + 4


def test_another_input_in_between_leaves_nothing_behind() -> None:
    module = made(Remembering)
    backend, pictures = TorchBackend(module), [images(0), images(1) * 3]
    tails = [backend.look(x, layers=["layer"]).tail("layer") for x in pictures]
    for _ in range(3):
        for tail, x in zip(tails, pictures, strict=True):
            A = drawn(1)
            np.testing.assert_allclose(tail(A), expected(module, x, A), rtol=1e-5)


def test_the_module_is_as_it_was() -> None:
    module, x = made(Structured), images()
    own = module.both.forward
    module.odd.forward = mine = Structured.Odd().forward  # on the module itself
    look = TorchBackend(module).look(x, layers=["layer"])
    tail = look.tail("layer")
    for _ in range(3):
        tail(look.activations["layer"])
    assert "forward" not in module.both.__dict__
    assert module.both.forward == own
    assert module.odd.__dict__["forward"] is mine
    assert not any(part._forward_hooks for part in module.modules())


def test_a_run_that_fails_leaves_the_module_as_it_was() -> None:
    module, x = made(Chain), images()
    look = TorchBackend(module).look(x, layers=["layer"])
    tail = look.tail("layer")
    tail(look.activations["layer"])
    module.last.forward = broken = lambda x: 1 / 0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            tail(look.activations["layer"])
    assert module.last.__dict__.pop("forward") is broken
    assert not any("forward" in part.__dict__ for part in module.modules())
    A = drawn(1)
    np.testing.assert_allclose(tail(A), expected(module, x, A), rtol=1e-5)
