"""One forward pass, seen at its layers, ready for any number of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cam_core.backend import Array, Capture, Target
from cam_core.errors import TargetError

from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.units import units_of
from ..running.ort_values import Joined
from .sessions import Passes


class Seen:
    """What one forward pass made; a capture is one backward pass more."""

    def __init__(
        self,
        analysis: Analysis,
        choices: Sequence[Choice],
        passes: Passes,
        parts: Sequence[Mapping[str, Array]],
    ) -> None:
        self._choices = choices
        self._passes = passes
        self._kept = passes.forward(parts)
        found = list(self._kept[0])
        own = {t.name for t in analysis.graph.outputs}
        self._outputs = Joined([name for name in found if name in own], self._kept)
        tensors = Joined(found, self._kept)
        self._logits = tensors[analysis.score.name]
        self._activations = [c.layout.apply(_real(analysis, c, tensors[c.name])) for c in choices]

    def capture(self, target: Target, inputs: Sequence[str] | None = None) -> list[Capture]:
        """A and G at each layer, and the gradients of these inputs."""
        cotangent = np.asarray(target(self._logits, self._outputs), self._logits.dtype)
        if cotangent.shape != self._logits.shape:
            raise TargetError(
                f"the target gives a cotangent {list(cotangent.shape)} for a score "
                f"{list(self._logits.shape)}"
            )
        gradients = self._passes.backward(self._kept, cotangent)
        return [
            Capture(
                layer=choice.name,
                logits=self._logits,
                activations=A,
                gradients=choice.layout.apply(gradients[choice.name]),
                input_gradients=None if inputs is None else {n: gradients[n] for n in inputs},
            )
            for choice, A in zip(self._choices, self._activations, strict=True)
        ]


def _real(analysis: Analysis, choice: Choice, found: Array) -> Array:
    """The layer's tensor; of a quantised one the numbers that it stands for."""
    units = units_of(analysis.graph, choice.tensor)
    return found if units is None else units.real(found)
