"""One input, looked at for its score, and once more for each other output that is asked about."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from .backend import Backend, Capture, Gradients, Inputs, Look
from .captures import captured, pulled
from .errors import LayerError, TargetError
from .head import heads_of
from .methods import Question
from .own_map import own_map
from .places import Cells
from .targets import ScoredTarget


class Looks:
    """The looks of one input.

    Args:
        backend: the model.
        x: the input.
        layers: where to look; None: the default layers.
        told: hears how much of a long row of passes is done, from 0 to 1.
        bare: nobody asks about a layer, so that the model may have none.
    """

    def __init__(
        self,
        backend: Backend,
        x: Inputs,
        layers: Sequence[str] | None = None,
        *,
        told: Callable[[float], None] = lambda share: None,
        bare: bool = False,
    ) -> None:
        self._backend, self._x, self._layers = backend, x, layers
        self._told, self._bare = told, bare
        self._refused: LayerError | None = None
        self.first: Look = self._first()
        """That of the score."""
        self._others: dict[str, Look] = {}
        self._made: dict[str, dict[Hashable, Any]] = {}
        self._waiting: list[ScoredTarget] = []
        self._ready: dict[int, tuple[ScoredTarget, Gradients]] = {}

    @cached_property
    def own_map(self) -> Cells | None:
        """The map that the model gives itself, read once for all targets; None: it gives none."""
        return own_map(heads_of(self._backend), self.first.score, self.first.outputs)

    def pulled(self, target: ScoredTarget) -> list[Capture]:
        """A and G of a target at each layer, of the look that has its number."""
        look = self.of(target.tensor)
        own = captured(look, self._gradients(look, target))
        if target.beside is None:
            return own
        return [self._with(capture, target.beside) for capture in own]

    def expect(self, targets: Sequence[ScoredTarget]) -> None:
        """What will be pulled, in this order: a look may take several at once."""
        self._waiting = list(targets)

    def _gradients(self, look: Look, target: ScoredTarget) -> Gradients:
        """Of one target, and of as many of those that follow it as the look takes at once."""
        if id(target) in self._ready:
            return self._ready.pop(id(target))[1]
        pull_first = getattr(look, "pull_first", None)
        first = next((i for i, one in enumerate(self._waiting) if one is target), None)
        later = [] if first is None else self._waiting[first:]
        alike = [one for one in later if one.tensor == target.tensor]
        if len(alike) < 2 or pull_first is None:
            return look.pull(target)
        found: list[Gradients] = pull_first(alike)
        more = zip(alike[1:], found[1:], strict=False)
        self._ready |= {id(one): (one, G) for one, G in more}
        return found[0]

    def _with(self, own: Capture, beside: ScoredTarget) -> Capture:
        """With what reaches a layer by way of another output; a layer may not reach that at all."""
        scored = self._scored(beside.tensor)
        try:
            look = scored.look(self._x, layers=[own.layer])
        except LayerError:
            return own
        (rest,) = pulled(look, beside)
        return replace(own, gradients=own.gradients + rest.gradients)

    def questions(self, target: ScoredTarget) -> list[Question]:
        """What a method may ask about a target at each layer; nothing is pulled before it asks.

        Without layers it is one question, at none.
        """
        look = self.of(target.tensor)

        @functools.cache
        def captured() -> dict[str, Capture]:
            return {one.layer: one for one in self.pulled(target)}

        def at(layer: str) -> Callable[[], Capture]:
            return lambda: captured()[layer]

        made = self._made.setdefault(target.tensor, {})
        backend = self._scored(target.tensor) if target.tensor else self._backend
        return [
            Question(backend, self._x, look, layer, target, at(layer), made, self._told)
            for layer in look.layers or [""] * self._bare
        ]

    def of(self, tensor: str) -> Look:
        """The look whose score is that output; '' is the first.

        Raises:
            TargetError: the output has other rows than the score, or no such backend sees it.
        """
        if not tensor and self._refused is not None:
            raise self._refused
        if not tensor:
            return self.first
        if tensor not in self._others:
            self._others[tensor] = self._look(tensor)
        return self._others[tensor]

    def _first(self) -> Look:
        """Without layers where those named do not reach the score, but maybe another output."""
        try:
            return self._backend.look(self._x, layers=self._layers)
        except LayerError as error:
            if self._layers is None and not self._bare:
                raise
            self._refused = None if self._layers is None else error
            return self._backend.look(self._x, layers=())

    def _scored(self, tensor: str) -> Backend:
        scored = getattr(self._backend, "scored", None)
        if scored is None:
            raise TargetError(f"this backend cannot explain output '{tensor}', its score alone")
        found: Backend = scored(tensor)
        return found

    def _look(self, tensor: str) -> Look:
        found = self._near(self._scored(tensor))
        rows, own = len(found.score), len(self.first.score)
        if rows != own:
            raise TargetError(
                f"output '{tensor}' has {rows} rows for {own} of the input: explain them one by one"
            )
        return found

    def _near(self, other: Backend) -> Look:
        """At the same layers, those of them that reach the output; at its own where none does.

        A later layer of the score may lie on a branch of its own, and the landmarks of a face are
        read at one scale. A layer that is named and does not reach is an error.
        """
        try:
            return other.look(self._x, layers=self._layers or list(self.first.layers))
        except LayerError:
            if self._layers is not None:
                raise
            near = [layer for layer in self.first.layers if self._reaches(other, layer)]
            return other.look(self._x, layers=near or None)

    def _reaches(self, other: Backend, layer: str) -> bool:
        try:
            other.look(self._x, layers=[layer])
        except LayerError:
            return False
        return True
