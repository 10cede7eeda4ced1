"""One forward pass of a module, seen at its layers, ready for any number of targets and tails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cam_core.backend import Array, Gradients, Target
from cam_core.captures import cotangent
from cam_core.errors import InputError, LayerError
from cam_core.region import Region

from .runs import Runs, to_numpy
from .tail import LayerCall, Tail


class ForwardPass:
    """The `Look` of this backend.

    Args:
        runs: how the module is run.
        feed: what it was run on.
        y: the score.
        outputs: of the module, by name.
        called: each layer, by name.
        asked: the layers' names, in the order asked for.
        inputs: whose gradients are wanted; None for all, zero where none arrives.
    """

    def __init__(
        self,
        runs: Runs,
        feed: Mapping[str, Any],
        y: Any,
        outputs: Mapping[str, Any],
        called: Mapping[str, LayerCall],
        asked: Sequence[str],
        inputs: Sequence[str] | None,
    ) -> None:
        self._runs, self._feed, self._y = runs, feed, y
        self._called = called
        self._lenient = inputs is None
        leaves = {name: t for name, t in feed.items() if t.requires_grad}
        self._leaves = {n: leaves[n] for n in (leaves if inputs is None else inputs)}
        self.layers = list(asked)
        self.regions: Mapping[str, Region] = {}  # a live module does not say what it crops
        self.score = _frozen(to_numpy(y))
        self.outputs = {name: _frozen(to_numpy(t)) for name, t in outputs.items()}
        self.activations = {
            name: _frozen(call.layout.apply(to_numpy(call.tensor))) for name, call in called.items()
        }

    def pull(self, target: Target) -> Gradients:
        """The gradients of one target, by one backward pass."""
        gy = cotangent(self, target)
        wanted = [*(call.tensor for call in self._called.values()), *self._leaves.values()]
        found = iter(self._gradients(gy, wanted))
        layers = {
            name: call.layout.apply(to_numpy(_reached(name, next(found))))
            for name, call in self._called.items()
        }
        return Gradients(layers, {n: self._of_input(n, next(found)) for n in self._leaves})

    def bend(self, layer: str, cotangent: Array) -> tuple[Array, Array]:
        """H A and J A of a layer: the derivatives of <J^T c, A> by A and by the cotangent c."""
        import torch

        call = self._called[layer]
        c = torch.as_tensor(cotangent.copy()).to(self._y).requires_grad_()
        with torch.enable_grad():
            (G,) = torch.autograd.grad(
                self._y, [call.tensor], c, create_graph=True, allow_unused=True
            )
            inner = (_reached(layer, G) * call.tensor.detach()).sum()
        HA, JA = torch.autograd.grad(inner, [call.tensor, c], retain_graph=True, allow_unused=True)
        turn = torch.zeros_like(call.tensor) if HA is None else HA
        return call.layout.apply(to_numpy(turn)), to_numpy(JA)

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What runs the module on from one of the layers."""
        if layer not in self._called:
            names = ", ".join(self.layers) or "none"
            raise LayerError(f"layer '{layer}' was not looked at; there are {names}")
        return Tail(self._runs, self._feed, layer, self._called[layer], self.activations[layer])

    def _gradients(self, gy: Array, wanted: list[Any]) -> Sequence[Any]:
        import torch

        if not self._y.requires_grad or not wanted:
            return [None] * len(wanted)
        given = torch.as_tensor(gy.copy()).to(self._y)
        return list(
            torch.autograd.grad(self._y, wanted, given, retain_graph=True, allow_unused=True)
        )

    def _of_input(self, name: str, g: Any) -> Array:
        if g is None and not self._lenient:
            raise InputError(f"input '{name}' has no gradient: it is not read by the score")
        leaf = self._leaves[name]
        return to_numpy(leaf.new_zeros(leaf.shape) if g is None else g)


def _reached(name: str, G: Any) -> Any:
    if G is None:
        raise LayerError(f"layer {name!r} does not reach the score: pick a later one")
    return G


def _frozen(array: Array) -> Array:
    """The same, read-only: all captures of a pass share it."""
    array.flags.writeable = False
    return array
