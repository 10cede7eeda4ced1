"""One input, looked at for its score, and once more for each other output that is asked about."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .backend import Array, Backend, Capture, Gradients, Inputs, Look
from .captures import captures_of, pulled
from .errors import InputError, LayerError, TargetError, UnsupportedOpError
from .head import heads_of
from .methods import Pulls, Question, about_input, pulls_of
from .methods.doors import guiding
from .methods.picture import pictured
from .own_map import own_map
from .places import Cells
from .pulling import Pulling
from .targets import ScoredTarget


class Ready(NamedTuple):
    """One look, and the gradient of the picture that a pull of it gives besides."""

    look: Look
    pulls: Pulls


class Looks:
    """The looks of one input.

    Args:
        backend: the model.
        x: the input, which nobody writes to as long as these are asked.
        layers: where to look; None: the default layers.
        told: hears how much of a long row of passes is done, from 0 to 1.
        methods: those that will ask, where it is known: what they read of the picture's gradient
            is then had by the same pass; where none asks about a layer the model may have none.
    """

    def __init__(
        self,
        backend: Backend,
        x: Inputs,
        layers: Sequence[str] | None = None,
        *,
        told: Callable[[float], None] = lambda share: None,
        methods: Sequence[str] = (),
    ) -> None:
        self._backend, self._x, self._layers = backend, lent(x), layers
        self._told, self._pulls = told, pulls_of(methods)
        self._bare = bool(methods) and all(map(about_input, methods))
        self._refused: LayerError | None = None
        self._made: dict[str, dict[Hashable, Any]] = {}
        self.pulling = Pulling()
        """Hears which targets follow one another."""
        self._ready: dict[str, Ready] = {"": self._first()}
        self.first: Look = self._ready[""].look
        """That of the score."""

    @cached_property
    def own_map(self) -> Cells | None:
        """The map that the model gives itself, read once for all targets; None: it gives none."""
        return own_map(heads_of(self._backend), self.first.score, self.first.outputs)

    def pulled(self, target: ScoredTarget) -> list[Capture]:
        """A and G of a target at each layer, of the look that has its number."""
        look, back = self._back(target)
        return self._captures(look, back, target)

    def _captures(self, look: Look, back: Gradients, target: ScoredTarget) -> list[Capture]:
        own = captures_of(look, back)
        if target.beside is None:
            return own
        return [self._with(capture, target.beside) for capture in own]

    def _back(self, target: ScoredTarget) -> tuple[Look, Gradients]:
        """The plain gradient at the layers, and what was looked at: once more without the input
        where that look is a guided one, or an operator before the layers has no derivative.
        """
        look, pulls = self._known(target.tensor)
        try:
            if pulls != "guided":
                return look, self.pulling.of(look, target)
        except UnsupportedOpError:
            if not pulls:
                raise
        bare = self._model(target.tensor).look(self._x, layers=list(look.layers))
        return bare, bare.pull(target)

    def _with(self, own: Capture, beside: ScoredTarget) -> Capture:
        """With what reaches a layer by way of another output; a layer may not reach that at all."""
        scored = self._scored(beside.tensor)
        try:
            look = scored.look(self._x, layers=[own.layer])
        except LayerError:
            return own
        (rest,) = pulled(look, beside)
        return replace(own, gradients=own.gradients + rest.gradients, within=None)

    def questions(self, target: ScoredTarget) -> list[Question]:
        """What a method may ask about a target at each layer; nothing is pulled before it asks.

        Without layers it is one question, at none.
        """
        look, pulls = self._known(target.tensor)

        @functools.cache
        def back() -> tuple[Look, Gradients]:
            return self._back(target) if pulls != "guided" else (look, look.pull(target))

        @functools.cache
        def captured() -> dict[str, Capture]:
            found = self._back(target) if pulls == "guided" else back()
            return {one.layer: one for one in self._captures(*found, target)}

        def pixels(asked: Pulls) -> Mapping[str, Array]:
            return back()[1].inputs if asked == pulls else {}

        def at(layer: str) -> Callable[[], Capture]:
            return lambda: captured()[layer]

        made, backend = self._shared(target.tensor), self._model(target.tensor)
        known = made, self._told, pixels
        return [
            Question(backend, self._x, look, layer, target, at(layer), *known)
            for layer in look.layers or [""] * self._bare
        ]

    def of(self, tensor: str) -> Look:
        """The look whose score is that output; '' is the first.

        Raises:
            TargetError: the output has other rows than the score, or no such backend sees it.
        """
        return self._known(tensor).look

    def _known(self, tensor: str) -> Ready:
        if not tensor and self._refused is not None:
            raise self._refused
        if tensor not in self._ready:
            self._ready[tensor] = self._look(tensor)
        return self._ready[tensor]

    def _first(self) -> Ready:
        """Without layers where those named do not reach the score, but maybe another output."""
        try:
            return self._at("", self._backend, self._layers)
        except LayerError as error:
            if self._layers is None and not self._bare:
                raise
            self._refused = None if self._layers is None else error
            return self._at("", self._backend, ())

    def _at(self, tensor: str, model: Backend, layers: Sequence[str] | None) -> Ready:
        """Ready for the gradient of the picture, where it will be asked for and there is one."""
        try:
            own = self._guided(tensor, model) if self._pulls == "guided" else model
            inputs = [pictured(model.inputs(), "").name] if self._pulls else ()
            return Ready(own.look(self._x, layers=layers, inputs=inputs), self._pulls)
        except InputError:  # whoever asks is told why there is none
            return Ready(model.look(self._x, layers=layers), "")

    def _guided(self, tensor: str, model: Backend) -> Backend:
        found: Backend = self._shared(tensor).setdefault("guided", guiding(model)())
        return found

    def _shared(self, tensor: str) -> dict[Hashable, Any]:
        """What all targets of a look may share."""
        return self._made.setdefault(tensor, {})

    def _model(self, tensor: str) -> Backend:
        return self._scored(tensor) if tensor else self._backend

    def _scored(self, tensor: str) -> Backend:
        scored = getattr(self._backend, "scored", None)
        if scored is None:
            raise TargetError(f"this backend cannot explain output '{tensor}', its score alone")
        found: Backend = scored(tensor)
        return found

    def _look(self, tensor: str) -> Ready:
        found = self._near(tensor, self._scored(tensor))
        rows, own = len(found.look.score), len(self.first.score)
        if rows != own:
            raise TargetError(
                f"output '{tensor}' has {rows} rows for {own} of the input: explain them one by one"
            )
        return found

    def _near(self, tensor: str, other: Backend) -> Ready:
        """At the same layers, those of them that reach the output; at its own where none does.

        A later layer of the score may lie on a branch of its own, and the landmarks of a face are
        read at one scale. A layer that is named and does not reach is an error.
        """
        try:
            return self._at(tensor, other, self._layers or list(self.first.layers))
        except LayerError:
            if self._layers is not None:
                raise
            near = [layer for layer in self.first.layers if self._reaches(other, layer)]
            return self._at(tensor, other, near or None)

    def _reaches(self, other: Backend, layer: str) -> bool:
        try:
            other.look(self._x, layers=[layer])
        except LayerError:
            return False
        return True


def lent(x: Inputs) -> Inputs:
    """Read-only, as nobody writes to it while it is looked at: looks need not copy it."""
    if isinstance(x, Mapping):
        return {name: _lent(values) for name, values in x.items()}
    return _lent(x)


def _lent(values: Array) -> Array:
    found = np.asarray(values).view()
    found.flags.writeable = False
    return found
