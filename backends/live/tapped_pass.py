"""One forward pass of a tapped model, ready for any number of targets and tails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array, Gradients, Target
from cam_core.captures import blocks, cotangent
from cam_core.errors import LayerError
from cam_core.maps.layout import Layout
from cam_core.region import Region

from .engine import Engine, Point, Recorded, Run


class TappedPass:
    """The `Look` of a tapped model.

    Args:
        engine: the framework.
        run: the model.
        feed: what it was run on.
        recorded: that run.
        points: of each layer, by its name.
        layouts: of each layer, by its name.
        asked: the layers' names, in the order asked for.
        inputs: whose gradients are wanted.
    """

    def __init__(
        self,
        engine: Engine,
        run: Run,
        feed: Mapping[str, Any],
        recorded: Recorded,
        points: Mapping[str, Point],
        layouts: Mapping[str, Layout],
        asked: Sequence[str],
        inputs: Sequence[str],
    ) -> None:
        self._engine, self._run, self._feed, self._recorded = engine, run, feed, recorded
        self._points, self._layouts, self._inputs = points, layouts, inputs
        self._connected: set[str] = set()
        self.layers = list(asked)
        self.regions: Mapping[str, Region] = {}
        self.score = _frozen(engine.array(recorded.outcome.y))
        outputs = recorded.outcome.outputs
        self.outputs = {name: _frozen(engine.array(t)) for name, t in outputs.items()}
        self._own = {name: engine.array(recorded.points[p]) for name, p in points.items()}
        self.activations = {n: _frozen(layouts[n].apply(own)) for n, own in self._own.items()}

    def pull(self, target: Target) -> Gradients:
        """The gradients of one target, by one backward pass."""
        layers, inputs = self._gradients(cotangent(self, target))
        return Gradients({n: self._layouts[n].apply(G) for n, G in layers.items()}, inputs)

    def _gradients(self, gy: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        y = self._recorded.outcome.y
        at_points, at_inputs = self._recorded.pull(self._engine.tensor(gy, like=y))
        layers = {n: self._reached(n, at_points[p]) for n, p in self._points.items()}
        zeros = {n: np.zeros_like(self._engine.array(self._feed[n])) for n in self._inputs}
        found = {n: at_inputs[n] for n in self._inputs}
        return layers, {
            n: zeros[n] if g is None else self._engine.array(g) for n, g in found.items()
        }

    def _reached(self, name: str, gradient: Any) -> Array:
        """A gradient of zeros may be one, or may say that nothing connects layer and score."""
        G = np.zeros(1) if gradient is None else self._engine.array(gradient)
        if G.any() or name in self._connected:
            self._connected.add(name)
            return G
        rng, y = np.random.default_rng(0), self._recorded.outcome.y
        gy = self._engine.tensor(np.asarray(rng.standard_normal(self.score.shape)), like=y)
        any_gradient = self._recorded.pull(gy)[0][self._points[name]]
        if any_gradient is None or not self._engine.array(any_gradient).any():
            raise LayerError(f"layer {name!r} does not reach the score: pick a later one")
        self._connected.add(name)
        return G

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What runs the model on from one of the layers."""
        if layer not in self._points:
            names = ", ".join(self.layers) or "none"
            raise LayerError(f"layer '{layer}' was not looked at; there are {names}")
        score = self._engine.tail(self._run, self._feed, self._points[layer])
        return lambda A: self._on(layer, score, A)

    def _on(self, layer: str, score: Callable[[Any], Any], A: Array) -> Array:
        """Block by block: row i of each beside row i of x."""
        own, layout, A = self._own[layer], self._layouts[layer], np.asarray(A)
        rows = len(self.activations[layer])
        starts = range(0, blocks(layer, A, self.activations[layer]) * rows, rows or 1) or [0]
        like = self._recorded.points[self._points[layer]]
        given = [layout.invert(A[start : start + rows], own) for start in starts]
        found = [self._engine.array(score(self._engine.tensor(t, like=like))) for t in given]
        return found[0] if len(found) == 1 else np.concatenate(found)


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
