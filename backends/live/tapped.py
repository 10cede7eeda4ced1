"""A live model with named points, whatever its framework: the contract over an `Engine`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.captures import capture, captures, with_gradient
from cam_core.errors import InputError, ModelError
from cam_core.head import Head

from .calls import Call, name_of, parse_name, require_called
from .default_layer import default_layer
from .engine import Outcome, Point, Recorded, Tap, passing
from .heads import Ends, heads
from .model import Change, Live
from .tapped_pass import TappedPass


class TappedBackend:
    """The capture of A and G at the points of a live model.

    Args:
        live: the model.
    """

    classes: int | None = None
    layer_note = ""
    metadata: Mapping[str, str] = MappingProxyType({})

    def __init__(self, live: Live) -> None:
        self._live = live
        self._layer = live.layer
        self._ends: Ends | None = None
        self._paths: dict[str, str] = {}

    @property
    def class_axis(self) -> int:
        """Where the classes are in the score, as the last run or the example shows it."""
        ends = self._ended()
        rank = len(ends.shapes.get(ends.score, ())) if ends is not None else 2
        return rank - 1 if self._live.channels_last and rank > 2 else 1

    @property
    def default_layer(self) -> str:
        """The layer that is taken when none is named."""
        return self._default(self._needed("the default layer"))

    @property
    def score_name(self) -> str:
        """The score as it was named; '' where it was found."""
        return self._live.score or ""

    @property
    def provider(self) -> str:
        """The framework and its device."""
        return self._live.engine.name

    @property
    def settings(self) -> dict[str, str]:
        """`provider`."""
        return {"provider": self.provider}

    def look(
        self, x: Inputs, *, layers: Sequence[str] | None = None, inputs: Sequence[str] | None = ()
    ) -> TappedPass:
        """One forward pass at these layers (None: the default one), run here and now."""
        live, feed = self._live, self._feed(x)
        names = [self._default(x)] if layers is None else list(layers)
        if names and not self._paths:
            self._trace(feed)
        asked = {name: parse_name(name, self._paths, live.called) for name in names}
        floats = {n: live.engine.array(t).dtype.kind == "f" for n, t in feed.items()}
        wanted = with_gradient(floats, inputs)
        recorded = self._record(feed, {path for path, _ in asked.values()}, wanted)
        points = {name: _point(name, *at, recorded) for name, at in asked.items()}
        layouts = {n: live.layout(p[0], tuple(recorded.points[p].shape)) for n, p in points.items()}
        return TappedPass(live.engine, self._run, feed, recorded, points, layouts, names, wanted)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer, all from one forward and one backward pass."""
        return capture(self, x, target, layers=layers, input_gradients=input_gradients)

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now."""
        return captures(self, x, targets, layers=layers, input_gradients=input_gradients)

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs by name: output, output_1, ... or their own names."""
        engine = self._live.engine
        outcome = engine.plain(self._run, self._feed(x), passing)
        self._ends = outcome.ends
        return {name: engine.array(t) for name, t in outcome.outputs.items()}

    def inputs(self) -> list[InputInfo]:
        """What the model takes, as it or the example says."""
        if self._live.infos:
            return list(self._live.infos)
        given = self._by_name(self._needed("inputs()"))
        return [
            InputInfo(n, (None, *a.shape[1:]), a.dtype, colours(a.shape)) for n, a in given.items()
        ]

    def heads(self) -> list[Head]:
        """What the outputs are, as the last run or the example shows it."""
        return heads(self._ended(), self.class_axis)

    def layers(self) -> list[Layer]:
        """Every point, in the order in which it is met."""
        example = self._needed("layers()")
        calls, _ = self._calls(self._feed(example))
        default = self._default(example)
        named = [(name_of(call, calls), call) for call in calls]
        return [
            Layer(name, call.kind, (None, *call.shape[1:]), call.path, name == default)
            for name, call in named
        ]

    def with_weights(self, change: Change) -> TappedBackend:
        """The same model with other weights, each called once as the model reads them."""
        return TappedBackend(replace(self._live, run=self._live.changed(change)))

    def scored(self, output: str) -> TappedBackend:
        """The same model with another output as its score, as it stands."""
        return TappedBackend(replace(self._live, layer=None, score=output))

    def with_score(self, output: str) -> TappedBackend:
        """The same as `scored`."""
        return self.scored(output)

    def _run(self, feed: Mapping[str, Any], tap: Tap) -> Outcome:
        """The model, with the score that was asked for: an output, or the last call of a point."""
        asked, picked = self._live.score, []

        def met(path: str, tensor: Any, kind: str = "") -> Any:
            found = tap(path, tensor, kind)
            if path == asked:
                picked.append(found)
            return found

        outcome = self._live.run(feed, met)
        if asked is None:
            return outcome
        shapes = outcome.ends.shapes
        if asked in outcome.outputs:
            return replace(outcome, y=outcome.outputs[asked], ends=Ends(asked, shapes))
        if not picked:
            known = ", ".join(outcome.outputs)
            raise ModelError(f"score {asked!r} is no output and no point; outputs are {known}")
        closing = self._live.activation
        ends = Ends(outcome.ends.score if closing else asked, shapes, closing)
        return replace(outcome, y=picked[-1], ends=ends)

    def _record(
        self, feed: Mapping[str, Any], paths: set[str] | None, inputs: Sequence[str]
    ) -> Recorded:
        recorded = self._live.engine.record(self._run, feed, paths, inputs)
        self._ends = recorded.outcome.ends
        return recorded

    def _trace(self, feed: Mapping[str, Any]) -> Recorded:
        recorded = self._record(feed, None, ())
        self._paths = {path: "" for path, _ in recorded.points}
        return recorded

    def _calls(self, feed: Mapping[str, Any]) -> tuple[list[Call], Recorded]:
        recorded = self._trace(feed)
        kinds = recorded.kinds
        return [
            Call(path, number, kinds[path, number], t, tuple(t.shape))
            for (path, number), t in recorded.points.items()
        ], recorded

    def _default(self, x: Inputs) -> str:
        if self._layer is None:
            calls, recorded = self._calls(self._feed(x))
            engine, y = self._live.engine, recorded.outcome.y
            found = recorded.pull(engine.tensor(_tops(engine.array(y)), like=y))[0]
            at = {id(call.output): (call.path, call.number) for call in calls}
            layouts = {id(c.output): self._live.layout(c.path, c.shape) for c in calls if _map(c)}
            chosen = default_layer(
                calls,
                gradients=lambda outputs: [found[at[id(t)]] for t in outputs],
                array=engine.array,
                layout=lambda t: layouts[id(t)],
                classes=int(y.shape[1]) if len(y.shape) == 2 else None,
            )
            self._layer = name_of(chosen, calls)
        return self._layer

    def _ended(self) -> Ends | None:
        if self._ends is None and self._live.example is not None:
            self.forward(self._live.example)
        return self._ends

    def _by_name(self, x: Inputs) -> dict[str, Array]:
        names = self._live.inputs
        given = x if isinstance(x, Mapping) else {names[0]: x}
        unknown = [name for name in given if name not in names]
        if unknown:
            raise InputError(f"no input {unknown[0]!r}; the model takes {', '.join(names)}")
        missing = [name for name in names if name not in given]
        if missing:
            raise InputError(f"input {missing[0]!r} is not given")
        return {name: np.asarray(given[name]) for name in names}

    def _feed(self, x: Inputs) -> dict[str, Any]:
        return {name: self._live.engine.tensor(a) for name, a in self._by_name(x).items()}

    def _needed(self, what: str) -> Inputs:
        if self._live.example is None:
            raise InputError(f"{what} needs an example: open the model with example=")
        return self._live.example


def colours(shape: Sequence[Any]) -> int | None:
    """Where a picture has its colours, as few as 1, 3 or 4, last of all where it may be so."""
    if len(shape) != 4:
        return None
    return next((axis for axis in (3, 1) if shape[axis] in (1, 3, 4)), None)


def _point(name: str, path: str, number: int | None, recorded: Recorded) -> Point:
    calls = sum(met == path for met, _ in recorded.points)
    return path, require_called(name, number, calls)


def _map(call: Call) -> bool:
    return len(call.shape) > 2


def _tops(y: Array) -> Array:
    """1 at each row's top score."""
    if y.ndim < 2:
        return np.ones_like(y)
    flat = np.zeros((len(y), y[0].size), y.dtype)
    flat[np.arange(len(y)), y.reshape(len(y), -1).argmax(1)] = 1
    return flat.reshape(y.shape)
