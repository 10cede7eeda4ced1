"""Blame: the tensors of a quantised file ranked, and sets of them kept in float."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from cam_core.errors import InputError

from ..capturing.backend import OnnxBackend
from ..reading.load import Source
from ..running.runner import Runner
from .curve import Case
from .find import find_suspects
from .measured import Pulled
from .rating import Rating, Tally
from .rewrite import kept_in_float
from .suspects import Suspects


@dataclass(frozen=True, eq=False)
class Blame:
    """A float model and its quantised copy.

    Args:
        plain: the float model.
        quantised: the copy.
        options: how both are opened, as `OnnxBackend` takes it.
    """

    plain: OnnxBackend
    quantised: OnnxBackend
    options: dict[str, Any]

    @functools.cached_property
    def suspects(self) -> Suspects:
        """The rounded tensors.

        Raises:
            InputError: there are none, or the models are of different trainings.
        """
        return find_suspects(self.plain.analysis, self.quantised.analysis)

    def rate(
        self, cases: Sequence[Case], step: Callable[[], object] = lambda: None
    ) -> list[Rating]:
        """blame = mean over photos of |<G, e>|, G the mean of both models' gradients.

        One pass there and back of each model a photo. e = actual - expected (`Error`).
        """
        every = self.suspects
        errors = [error for s in every.found for error in s.errors]
        actual = [name for error in errors for name in error.actual]
        given = [name for e in errors for name in (e.actual[0], e.expected)]
        ours = Pulled(self.quantised, actual, given, every, runner=self._runner(self.quantised))
        twins = [error.twin for error in errors if error.twin is not None]
        theirs = Pulled(self.plain, twins, runner=self._runner(self.plain)) if twins else None
        tallies = [Tally(s) for s in every.found]
        for case in cases:
            values, G = ours(case.x, case.target)
            both = [G] if theirs is None else [G, theirs(case.x, case.target)[1]]
            for tally in tallies:
                tally.add(values, both)
            step()
        return [tally.rating() for tally in tallies]

    def model_with(self, names: Sequence[str]) -> onnx.ModelProto:
        """The copy with these tensors kept in float."""
        return kept_in_float(
            self.quantised.analysis.model, self.suspects, self.suspects.named(names)
        )

    def restored(self, names: Sequence[str]) -> OnnxBackend:
        """The same, open."""
        source = Source(self.model_with(names), self.quantised.analysis.source.path)
        return OnnxBackend(source, **self.options)

    def require_alike(self, case: Case) -> None:
        """Refuses a copy that takes something else, or whose score is of another shape.

        Raises:
            InputError: so it is.
        """
        try:
            other = self.quantised.look(case.x, layers=()).score.shape
        except InputError as error:
            name = self.quantised.analysis.source.name
            raise InputError(
                f"'{name}' does not take what the float model does: {error}"
            ) from error
        shapes = [self.plain.look(case.x, layers=()).score.shape, other]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"the float model scores {list(shapes[0])}, the quantised one {list(shapes[1])}: "
                "give the float model that was quantised, or name both scores' tensor by --score"
            )

    def _runner(self, backend: OnnxBackend) -> Runner:
        names = ("providers", "optimization", "custom_ops")
        known = {n: v for n, v in self.options.items() if n in names}
        return Runner(**known, folder=backend.analysis.source.folder)
