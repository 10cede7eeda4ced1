"""One forward pass, seen at its layers, ready for any number of targets and tails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array, Gradients, Target
from cam_core.captures import cotangent
from cam_core.errors import LayerError

from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.units import units_of
from ..running.ort_values import Joined
from .by_scale import ByScale
from .sessions import Passes
from .tail import Tail
from .windows import Entries, entries

TOGETHER = 8
"""Targets: their gradients are held at once."""


class ForwardPass:
    """The `Look` of this backend.

    Args:
        analysis: whose layers are looked at.
        passes: what runs forward and backward.
        tails: what comes after each layer, by its own name and by that asked for.
        parts: x as the model takes it, one batch or one a row.
        inputs: whose gradients are wanted too.
    """

    def __init__(
        self,
        analysis: Analysis,
        passes: Passes | ByScale,
        tails: Mapping[Any, Tail],
        parts: Sequence[Mapping[str, Array]],
        inputs: Sequence[str],
    ) -> None:
        self._passes, self._tails, self._inputs = passes, tails, inputs
        self._choices = {c.name: c for c in analysis.choices}
        self._kept = passes.forward(parts, {n for tail in tails.values() for n in tail.inputs})
        found = list(self._kept[0])
        own = {t.name for t in analysis.graph.outputs}
        tensors = Joined(found, self._kept)
        self.layers = [c.name for c in analysis.choices]
        self.outputs: Mapping[str, Array] = Joined([n for n in found if n in own], self._kept)
        self.score = tensors[analysis.score.name]
        self.regions = {
            name: c.region.at(np.shape(parts[0].get(c.region.input, ())))
            for name, c in self._choices.items()
            if c.region is not None
        }
        self.activations = {
            name: _frozen(c.layout.apply(_real(analysis, c, tensors[c.tensor.name])))
            for name, c in self._choices.items()
        }

    def pull(self, target: Target) -> Gradients:
        """The gradients of one target, by one backward pass."""
        if self._passes.plan.refused is not None:
            raise self._passes.plan.refused
        if isinstance(self._passes, ByScale):
            return self._by_scale(self._passes, [target])[0]
        found = self._passes.backward(self._kept, cotangent(self, target))
        return Gradients(
            {name: c.layout.apply(found[c.tensor.name]) for name, c in self._choices.items()},
            {name: found[name] for name in self._inputs},
        )

    def pull_first(self, targets: Sequence[Target]) -> list[Gradients]:
        """As `pull`, of the first of several: as many as cost less than one after another."""
        if isinstance(self._passes, ByScale):
            return self._by_scale(self._passes, targets[:TOGETHER])
        return [self.pull(targets[0])]

    def _by_scale(self, passes: ByScale, targets: Sequence[Target]) -> list[Gradients]:
        choices = self._choices
        found = passes.backward_all(self._kept, [self._entries(target) for target in targets])
        return [
            Gradients(
                {n: c.layout.apply(blocks[c.tensor.name].whole()) for n, c in choices.items()},
                within={
                    name: blocks[c.tensor.name].place[2:]
                    for name, c in choices.items()
                    if c.layout.identity and not blocks[c.tensor.name].all
                },
            )
            for blocks in found
        ]

    def _entries(self, target: Target) -> Entries:
        """The few numbers that a target names, or those of its cotangent."""
        few = getattr(target, "few", None)
        found = None if few is None else few(self.score)
        if found is None:
            return entries(cotangent(self, target))
        return Entries(found[0], found[1], self.score.shape)

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What runs the model on from one of the layers; the head is left alone."""
        if layer not in self._tails:
            names = ", ".join(self.layers) or "none"
            raise LayerError(f"layer '{layer}' was not looked at; there are {names}")
        tail = self._tails[layer]
        return tail.run_on(self._kept, self.activations[tail.choice.name])

    def wide_tail(self, layer: str) -> Callable[[Array], Array] | None:
        """The same in float64, where the runtime has all of it in that; else None."""
        tail = self._tails[layer]
        return tail.run_wide_on(self._kept, self.activations[tail.choice.name])


def _real(analysis: Analysis, choice: Choice, found: Array) -> Array:
    """The layer's tensor; of a quantised one the numbers that it stands for."""
    units = units_of(analysis.graph, choice.tensor)
    return found if units is None else units.real(found)


def _frozen(A: Array) -> Array:
    A.flags.writeable = False
    return A
