"""One forward pass of a module, seen at its layers, ready for any number of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array, Capture, Target
from cam_core.errors import InputError, LayerError
from cam_core.maps.layout import Layout

from .forward_pass import to_numpy


class Seen:
    """What one forward pass made; a capture is one backward pass more.

    Args:
        y: the score.
        outputs: of the module, by name.
        layers: name, tensor and layout of each layer.
        leaves: the inputs whose gradients are wanted too.
    """

    def __init__(
        self,
        y: Any,
        outputs: Mapping[str, Any],
        layers: Sequence[tuple[str, Any, Layout]],
        leaves: Mapping[str, Any] | None,
    ) -> None:
        self._y = y
        self._layers = layers
        self._leaves = leaves
        self._logits = _frozen(y)
        self._outputs = {name: _frozen(t) for name, t in outputs.items()}
        self._activations = [layout.apply(_frozen(A)) for _, A, layout in layers]

    def capture(self, target: Target, *, last: bool) -> list[Capture]:
        """A and G at each layer; after the `last` one the graph is gone."""
        cotangent = target(self._logits, self._outputs)
        leaves = self._leaves or {}
        wanted = [*(A for _, A, _ in self._layers), *leaves.values()]
        G = self._gradients(cotangent, wanted, last)
        gx = None
        if self._leaves is not None:
            pairs = zip(leaves.items(), G[len(self._layers) :], strict=True)
            gx = {n: to_numpy(t.new_zeros(t.shape) if g is None else g) for (n, t), g in pairs}
        return [
            Capture(name, self._logits, A, layout.apply(to_numpy(_reached(name, g))), gx)
            for (name, _, layout), A, g in zip(self._layers, self._activations, G, strict=False)
        ]

    def _gradients(self, cotangent: Array, wanted: list[Any], last: bool) -> list[Any]:
        import torch

        y = self._y
        if cotangent.shape != tuple(y.shape):
            raise InputError(f"cotangent {list(cotangent.shape)} for a score {list(y.shape)}")
        if not y.requires_grad:
            return [None] * len(wanted)
        gy = torch.as_tensor(np.array(cotangent)).to(y)
        found = torch.autograd.grad(y, wanted, gy, retain_graph=not last, allow_unused=True)
        return list(found)


def _reached(name: str, G: Any) -> Any:
    if G is None:
        raise LayerError(f"layer {name!r} does not reach the score: pick a later one")
    return G


def _frozen(tensor: Any) -> Array:
    """A read-only copy: all captures of a pass share it."""
    array = to_numpy(tensor)
    array.flags.writeable = False
    return array
