"""The score from given activations: the model up to a layer, and what comes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import LayerError

from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.units import units_of
from ..running.runner import Runner
from ..running.runtime import run
from .cut import INJECTED, injected, with_outputs


class Tail:
    """The model cut open at one layer."""

    def __init__(self, analysis: Analysis, choice: Choice, runner: Runner) -> None:
        self._analysis = analysis
        self._choice = choice
        self._head = runner.open(with_outputs(analysis, [choice.tensor]))
        self._tail = runner.open(injected(analysis, choice.tensor))

    def score(self, A: Array, parts: Sequence[Mapping[str, Array]]) -> Array:
        """The score tensor when the layer's activations are A [N, K, *S]."""
        name = self._choice.name
        own = np.concatenate([run(self._head, [name], dict(part))[0] for part in parts])
        tensor = self._given(A, own)
        if tensor.shape != own.shape:
            raise LayerError(f"layer '{name}' is {list(own.shape)}, A gives {list(tensor.shape)}")
        wanted = {i.name for i in self._tail.get_inputs()}
        scores: list[Any] = []
        for i, part in enumerate(parts):
            mine = tensor[i : i + 1] if len(parts) > 1 else tensor
            given = {n: a for n, a in part.items() if n in wanted} | {INJECTED: mine}
            scores += run(self._tail, [self._analysis.score.name], given)
        return np.concatenate(scores)

    def _given(self, A: Array, own: Array) -> Array:
        """The layer's tensor when its activations are A, quantised as its `own` is."""
        layout = self._choice.layout
        units = units_of(self._analysis.graph, self._choice.tensor)
        if units is None:
            return layout.invert(A.astype(own.dtype), own)
        real = units.real(own)
        return units.quantised(layout.invert(A.astype(real.dtype), real), own.dtype)
