"""G against central differences of the plain model's own tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cam_core.backend import Array, Backend, Inputs
from cam_core.targets import ScoredTarget

DIRECTIONS = 8
LIMIT = 1e-2
STEPS = tuple(10.0**-k for k in np.arange(0.5, 4.6, 0.5))
"""Tried for each direction, in units of the activations' own size."""


@dataclass(frozen=True)
class Numeric:
    """How far G is from the differences, relative to the length of G."""

    errors: tuple[float, ...]
    steps: tuple[float, ...]
    slope: float
    """|G| in score per unit of the activations' size: 0 where the score does not move."""

    @property
    def median(self) -> float:
        """The middle one of the errors."""
        return float(np.median(self.errors))

    @property
    def passed(self) -> bool:
        """Is the median within the limit?"""
        return self.median <= LIMIT


def compare(
    backend: Backend,
    x: Inputs,
    target: ScoredTarget,
    *,
    layer: str | None = None,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> Numeric:
    """Y(A + h d) - Y(A - h d) over 2 h against <G, d>, along random directions d.

    The step h is chosen for each direction by the differences alone: where three neighbouring steps
    agree best, rounding is still small and no kink is passed. The error is that of <G, d>
    relative to |G|, which is its typical size for d of unit variance.
    """
    capture = backend.capture(x, target, layers=None if layer is None else [layer])[0]
    A = capture.activations.astype(np.float64)
    G = capture.gradients.astype(np.float64)
    size = float(np.sqrt(np.mean(A * A))) or 1.0
    chosen = target.classes(capture.logits)
    slope = float(np.sqrt(np.sum(G * G))) * size
    rng = np.random.default_rng(seed)

    def score(values: Array) -> float:
        y = backend.tail(capture.layer, values.astype(capture.activations.dtype), x)
        fixed = _hold(target, chosen)
        return float(np.sum(fixed.score(y.astype(np.float64))))

    errors, steps = [], []
    for _ in range(DIRECTIONS):
        d = rng.standard_normal(A.shape) * size
        slopes = [(score(A + h * d) - score(A - h * d)) / (2 * h) for h in STEPS]
        best = calmest(slopes)
        difference = abs(slopes[best] - float(np.sum(G * d)))
        errors.append(difference / slope if slope else (0.0 if difference == 0 else np.inf))
        steps.append(STEPS[best])
        step()
    return Numeric(tuple(float(e) for e in errors), tuple(steps), slope)


def calmest(values: list[float]) -> int:
    """The position whose two neighbours agree with it best."""
    spans = [
        max(values[i - 1 : i + 2]) - min(values[i - 1 : i + 2]) for i in range(1, len(values) - 1)
    ]
    return 1 + int(np.argmin(spans))


def _hold(target: ScoredTarget, classes: Array | None) -> ScoredTarget:
    """The same target about the class it was about, should another become the top one."""
    from dataclasses import replace

    from cam_core.targets import ClassTarget, ProbabilityTarget, TopTarget

    if classes is None:
        return target
    held = tuple(int(c) for c in classes)
    if isinstance(target, ClassTarget | ProbabilityTarget):
        return replace(target, index=held)
    if isinstance(target, TopTarget):
        return ClassTarget(held, target.class_axis)
    return target
