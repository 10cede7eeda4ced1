"""One forward pass through all models of a chain, pulled from the last score to the first layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..backend import Array, Gradients, Look, Target
from ..captures import blocks
from ..errors import InputError, LayerError, ModelError
from ..region import Region
from .links import Link
from .part import OWN, Part

Values = Mapping[tuple[int, str], Array]
"""Outputs by (model, name)."""
Key = TypeVar("Key")
Place = tuple[int, str]
"""(model, its own name of a layer)"""


class Wiring:
    """The models, what goes between them, and how its parts are called from outside.

    Args:
        parts: the models, in the order in which they run.
        links: what goes between them.
        inputs: of each model own name -> name in the chain.
        layers: likewise.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        links: Sequence[Link],
        inputs: Sequence[Mapping[str, str]],
        layers: Sequence[Mapping[str, str]],
    ) -> None:
        self.parts, self.links = parts, links
        self.inputs, self.layers = inputs, layers
        self.last = len(parts) - 1

    def feed(self, i: int, x: Mapping[str, Array], values: Values) -> dict[str, Array]:
        """What model i gets: its own of x, and outputs of earlier ones."""
        own = {name: x[outer] for name, outer in self.inputs[i].items() if outer in x}
        linked = {k.input: values[k.source, k.output] for k in self.links if k.model == i}
        return own | linked

    def outputs_of(self, i: int) -> list[str]:
        """Those that go on."""
        return list(dict.fromkeys(k.output for k in self.links if k.source == i))

    def after(self, i: int) -> list[int]:
        """The models that something of model i arrives at, in order."""
        reached = {i}
        for link in sorted(self.links, key=lambda k: k.model):
            if link.source in reached:
                reached.add(link.model)
        return sorted(reached - {i})

    def region(self, i: int, region: Region | None) -> Region | None:
        """With the chain's name of its input; None over what an earlier model made."""
        outer = None if region is None else self.inputs[i].get(region.input)
        return None if region is None or outer is None else replace(region, input=outer)


class ChainLook:
    """The `Look` of a chain.

    Args:
        wiring: of the models.
        x: one array by input of the chain; kept as it is.
        order: the layers, in the order in which they were asked for; None is the default ones.
        inputs: names in the chain, whose gradients are wanted; None is all.
        main: the model with the default layers.
    """

    def __init__(
        self,
        wiring: Wiring,
        x: Mapping[str, Array],
        order: Sequence[Place] | None,
        inputs: Sequence[str] | None,
        main: int,
    ) -> None:
        self._wiring, self._inputs = wiring, inputs
        self._x = {name: np.array(array) for name, array in x.items()}
        self._values: dict[tuple[int, str], Array] = {}
        self._order, self._main = order, main
        self._looks: list[Mapping[str, Look]] = []
        for i in range(len(wiring.parts)):
            self._looks.append(self._seen(i))
        own = self._looks[-1][OWN]
        self.score, self.outputs = own.score, own.outputs
        if order is None:
            order = [(main, name) for name in next(iter(self._looks[main].values())).layers]
        self._places = {self._called(*place): place for place in order}
        self.layers = [self._called(*place) for place in order]
        self.activations = {
            name: self._of(*place).activations[place[1]] for name, place in self._places.items()
        }
        self.regions = dict(self._regions())

    def pull(self, target: Target) -> Gradients:
        """The gradients of one target, by one backward pass through each model."""
        layers: dict[Place, Array] = {}
        inputs: dict[str, Array] = {}
        arrived: dict[tuple[int, str], Array] = {}
        for i in reversed(range(len(self._looks))):
            found: dict[str, Array] = {}
            for G in self._pulled(i, target, arrived):
                _add(layers, {(i, name): g for name, g in G.layers.items()})
                _add(found, G.inputs)
            outer = self._wiring.inputs[i]
            inputs |= {outer[name]: g for name, g in found.items() if name in outer}
            for link in self._wiring.links:
                if link.model == i and link.input in found:
                    _add(arrived, {(link.source, link.output): found[link.input]})
        return Gradients(self._all_layers(layers), self._all_inputs(inputs))

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What runs the chain on from one of the layers; the models before it are left alone."""
        if layer not in self._places:
            names = ", ".join(self.layers) or "none"
            raise LayerError(f"layer '{layer}' was not looked at; there are {names}")
        i, own = self._places[layer]
        if i == self._wiring.last:
            return self._looks[i][OWN].tail(own)
        like = self.activations[layer]
        tails = {o: look.tail(own) for o, look in self._looks[i].items() if own in look.layers}

        def run_on(A: Array) -> Array:
            A = np.asarray(A)
            count = blocks(layer, A, like)
            pieces = np.split(A, count)
            return np.concatenate([self._onward(i, tails, piece) for piece in pieces])

        return run_on

    def _seen(self, i: int) -> Mapping[str, Look]:
        """The looks at one model; what goes on from it is kept."""
        part, outer = self._wiring.parts[i], self._wiring.inputs[i]
        asked = self._inputs
        wanted = None if asked is None else [n for n, named in outer.items() if named in asked]
        try:
            found = part.looks(self._feed(i), self._layers_of(i), wanted)
        except InputError:  # the score may read only some of what goes on: all that have a gradient
            found = part.looks(self._feed(i), self._layers_of(i), None)
        look = next(iter(found.values()), None)
        made = part.backend.forward(self._feed(i)) if look is None else look.outputs
        self._values |= {(i, output): made[output] for output in self._wiring.outputs_of(i)}
        for output, seen in found.items():
            if output != OWN:
                _require_same(part.name, output, seen.score, made[output])
        return found

    def _feed(self, i: int) -> dict[str, Array]:
        return self._wiring.feed(i, self._x, self._values)

    def _layers_of(self, i: int) -> list[str] | None:
        if self._order is None:
            return None if i == self._main else []
        return [name for at, name in self._order if at == i]

    def _pulled(
        self, i: int, target: Target, arrived: Mapping[tuple[int, str], Array]
    ) -> list[Gradients]:
        """By each of its outputs, less those that nothing comes back to."""
        targets = {OWN: target} | {o: _as_target(g) for (at, o), g in arrived.items() if at == i}
        pulled = [(o, targets[o]) for o in self._looks[i] if o in targets]
        try:
            return [self._looks[i][output].pull(one) for output, one in pulled]
        except InputError:  # some backends see only here that an input is not read
            part = self._wiring.parts[i]
            self._looks[i] = part.looks(self._feed(i), self._layers_of(i), None)
            return [self._looks[i][output].pull(one) for output, one in pulled]

    def _onward(self, i: int, tails: Mapping[str, Callable[[Array], Array]], A: Array) -> Array:
        """The score of one block of rows."""
        wiring, values = self._wiring, dict(self._values)
        for output, tail in tails.items():
            score = tail(A)
            values[i, output] = score.reshape(values[i, output].shape)
        for j in wiring.after(i):
            part, feed = wiring.parts[j], wiring.feed(j, self._x, values)
            if j == wiring.last:
                return part.scored[OWN].look(feed, layers=()).score
            made = part.backend.forward(feed)
            values |= {(j, output): made[output] for output in wiring.outputs_of(j)}
        return self.score

    def _all_layers(self, found: Mapping[Place, Array]) -> dict[str, Array]:
        for name, (i, own) in self._places.items():
            if (i, own) not in found:
                last = self._wiring.parts[-1].name
                raise LayerError(
                    f"layer '{name}' does not reach the score of '{last}': no gradient comes "
                    f"back to '{self._wiring.parts[i].name}'; pick a layer of a later model"
                )
        return {name: found[place] for name, place in self._places.items()}

    def _all_inputs(self, found: Mapping[str, Array]) -> dict[str, Array]:
        for name in self._inputs or ():
            if name not in found:
                raise InputError(f"input '{name}' has no gradient: it is not read by the score")
        each = [name for outer in self._wiring.inputs for name in outer.values() if name in found]
        return {n: found[n] for n in each if self._inputs is None or n in self._inputs}

    def _called(self, i: int, own: str) -> str:
        """A layer's name in the chain; one that is not listed goes by its own."""
        return self._wiring.layers[i].get(own, own)

    def _of(self, i: int, own: str) -> Look:
        found = [look for look in self._looks[i].values() if own in look.layers]
        if not found:
            raise LayerError(
                f"layer '{own}' of '{self._wiring.parts[i].name}': nothing of that model goes on "
                f"with a gradient; look at a later model"
            )
        return found[0]

    def _regions(self) -> Iterable[tuple[str, Region]]:
        for name, (i, own) in self._places.items():
            region = self._wiring.region(i, self._of(i, own).regions.get(own))
            if region is not None:
                yield name, region


def _require_same(name: str, output: str, score: Array, made: Array) -> None:
    """What is pulled must be what goes on, and not logits before it."""
    if score.size != made.size or not np.array_equal(score.reshape(made.shape), made, True):
        raise ModelError(
            f"the score of '{name}' is not its output '{output}', which goes on: open it with "
            "that very output as its score"
        )


def _add(total: dict[Key, Array], more: Mapping[Key, Array]) -> None:
    """Sums by key, in place."""
    for key, g in more.items():
        total[key] = total[key] + g if key in total else g


def _as_target(g: Array) -> Target:
    """What came back, as the target of the score that it is the cotangent of."""
    return lambda y, outputs: g.reshape(y.shape)
