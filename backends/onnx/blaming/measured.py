"""Errors and gradients of a photo: e of every tensor, and G of both models, by one pass each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cam_core.backend import Array, Inputs, Target

from ..capturing.backend import OnnxBackend
from ..capturing.halves import split
from ..capturing.sessions import Passes
from ..finding.analysis import Analysis
from ..rules.paths import active
from ..running.feed import feed, rows
from ..running.ort_values import Joined
from ..running.runner import Runner
from .rewrite import extended
from .suspects import Suspects


class Pulled:
    """A model that gives tensors of its own, and their cotangents, by one pass there and back.

    Args:
        backend: the open model.
        pulled: the tensors whose cotangents are wanted; those that do not reach the score, or are
            no tensors of the graph, are left out.
        given: other tensors that are wanted as they are.
        every: the nodes that make some of them.
        runner: how it is run.

    Raises:
        UnsupportedOpError: an operator on the way back has no derivative.
    """

    def __init__(
        self,
        backend: OnnxBackend,
        pulled: Sequence[str],
        given: Sequence[str] = (),
        every: Suspects | None = None,
        *,
        runner: Runner,
    ) -> None:
        analysis = replace(backend.analysis, choices=())
        self._infos, self._score = backend.inputs(), analysis.score.name
        self._own = {t.name for t in analysis.graph.outputs}
        wanted = on_path(analysis, pulled)
        plan = split(analysis, wanted)
        if plan.refused is not None:
            raise plan.refused
        nothing = Suspects((), (), ())
        forward, self._given = extended(plan.forward, every or nothing, given)
        self._passes = Passes(replace(plan, forward=forward), runner.open)

    def __call__(self, x: Inputs, target: Target) -> tuple[Mapping[str, Array], dict[str, Array]]:
        """(the tensors that are given, the score among them; G by tensor) for one photo."""
        parts = rows(feed(x, self._infos), self._infos)
        kept = self._passes.forward(parts, set(self._given))
        values = Joined(list(kept[0]), kept)
        outputs = Joined([n for n in kept[0] if n in self._own], kept)
        y = values[self._score]
        return values, self._passes.backward(kept, np.asarray(target(y, outputs), y.dtype))


def on_path(analysis: Analysis, names: Sequence[str]) -> list[str]:
    """Those of the tensors from which a derivative leads to the score."""
    known = [name for name in dict.fromkeys(names) if name in analysis.graph.tensors]
    path = active(analysis.graph, known, analysis.score.name)
    return [name for name in known if name in path]
